/** What a browser bundle gets in place of the server's code: it names nothing, and says why. */
throw new Error(
  'holdfast runs on the server. In browser code import holdfast/client or holdfast/react; sessions are checked where their store is.',
)
