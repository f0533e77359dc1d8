/** A Redis on the same machine, by its socket: no port is open to the network. */
import { connect } from '../../src/index.ts';
import type { Tandem } from '../../src/index.ts';

export function connectByUnixSocket(path: string): Tandem {
  return connect({ name: 'api-1', redis: { path } });
}
