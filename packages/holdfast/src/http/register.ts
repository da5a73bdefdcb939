/** The place where an app names its own types, once, for every request. */
import type { Attributes } from '../store/store.ts'

/**
 * Empty here; an app declares what its sessions carry, and every adapter then types `attributes` by it.
 *
 * @example
 * declare module 'holdfast' {
 *   interface Register {
 *     attributes: { role: 'admin' | 'user' }
 *   }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: an app's declaration merges with it; a type alias could not.
export interface Register {}

/** What a session carries: as the app declared it in `Register`, else any JSON. */
export type RegisteredAttributes = Register extends { readonly attributes: infer A extends Attributes } ? A : Attributes
