/**
 * Peers live in this folder's own `node_modules`, which `npm ci` of the project does not fill. They come in by name
 * and are typed by the part of them that is used, so that the types check without them.
 */
export async function peer<T>(name: string): Promise<T> {
  return (await import(name)) as T
}
