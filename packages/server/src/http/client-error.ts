/** Answers to what is not HTTP, or too large to read: written on the bare socket, because there is no request yet. */
import type { Socket } from 'node:net'

interface RawAnswer {
  readonly status: string
  readonly title: string
}

const answers: Readonly<Record<string, RawAnswer>> = {
  HPE_HEADER_OVERFLOW: { status: '431 Request Header Fields Too Large', title: 'The request headers are too large' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', title: 'The request took too long' },
}
const malformed: RawAnswer = { status: '400 Bad Request', title: 'The request is not valid' }

export function answerClientError(fault: NodeJS.ErrnoException, socket: Socket): void {
  if (fault.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const { status, title } = answers[fault.code ?? ''] ?? malformed
  const body = JSON.stringify({ type: 'about:blank', title, status: Number(status.slice(0, 3)), code: 'invalid-request' })
  socket.end(
    [
      `HTTP/1.1 ${status}`,
      'content-type: application/problem+json; charset=utf-8',
      'cache-control: no-store',
      'x-content-type-options: nosniff',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  )
}
