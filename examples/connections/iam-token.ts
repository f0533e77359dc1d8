/**
 * Credentials that expire, such as tokens of IAM. The function is asked before each connection, and what it gives
 * or throws is in no error. Where it fails, CREDENTIALS_FAILED is reported, and it is asked again after a pause.
 */
import { connect } from '../../src/index.ts';
import type { Tandem } from '../../src/index.ts';

export function connectByToken(
  host: string,
  port: number,
  username: string,
  freshToken: () => Promise<string>,
): Tandem {
  return connect({
    name: 'api-1',
    redis: { host, port },
    credentials: async () => ({ username, password: await freshToken() }),
  });
}
