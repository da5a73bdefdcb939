/** A certificate for 127.0.0.1 that vouches for itself, made for one test. */
import { execFile } from 'node:child_process'
import { chown } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ownerOfFiles } from './postgres.ts'

export interface Certificate {
  readonly cert: string
  /** Belongs to the user that PostgreSQL runs as, and is for that user only. */
  readonly key: string
}

export async function makeCertificate(folder: string): Promise<Certificate> {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const subject = ['-subj', '/CN=holdfast test', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await promisify(execFile)('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert])
  const owner = ownerOfFiles()
  if (owner !== undefined) await chown(key, owner.uid, owner.gid)
  return { cert, key }
}
