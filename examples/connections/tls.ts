/**
 * A Redis behind TLS. Where Node trusts its certificate, `rediss://` in a URL is enough. Else name the authority
 * that signed it.
 */
import { readFileSync } from 'node:fs';
import { connect } from '../../src/index.ts';
import type { Tandem } from '../../src/index.ts';

export function connectByTls(host: string, port: number, authority: string): Tandem {
  return connect({
    name: 'api-1',
    redis: { host, port, tls: { ca: readFileSync(authority) } },
    // A try to connect takes four or five round trips with TLS.
    connectTimeoutMs: 2_000,
  });
}
