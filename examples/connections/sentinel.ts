/** A master that Sentinels watch. Each new connection asks them which one it is. */
import { connect } from '../../src/index.ts';
import type { Tandem } from '../../src/index.ts';

export function connectBySentinel(
  sentinels: readonly { readonly host: string; readonly port: number }[],
  master: string,
): Tandem {
  return connect({ name: 'api-1', redis: { sentinels: [...sentinels], name: master } });
}
