/** Certificates for a server on this machine, by openssl. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onPath } from './_on-path.ts';

/** Why tests with TLS are skipped; `undefined` where openssl is installed. */
export const noCertificates = onPath('openssl') === undefined ? 'no openssl on the PATH' : undefined;

export interface Certificates {
  /** Files: the certificate, which is its own authority, and its key. */
  readonly certificate: string;
  readonly key: string;
  /** The folder that holds both: to be removed by the caller. */
  readonly folder: string;
}

export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-tls-'));
  const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  const made = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
  ];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync('openssl', [...made, ...names, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  return { certificate, key, folder };
}
