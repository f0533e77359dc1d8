/** The header of the frame that a cut publishes, whichever store it goes to. */
import type { Header, Turn } from '../state/header.ts';
import type { Cut, CutHead, LargeCut } from './store.ts';

/** @param prev the revision from which the frame goes on; a heartbeat's own where the cut has no changes */
export function headerOf(cut: CutHead & Pick<Cut, 'digest' | 'measures'>, prev: number): Header {
  const { epoch, base, revision, cutAt, leaseMs, digest, measures, times } = cut;
  const heartbeatMs = prev === revision ? cut.heartbeatMs : undefined;
  return { epoch, base, prev, revision, cutAt, leaseMs, bye: false, digest, heartbeatMs, times, ...measures };
}

/** The header of the frame that ends the parts of a turn. */
export function turnHeaderOf(cut: LargeCut, turn: Turn): Header {
  const { epoch, base, prev, revision, cutAt, leaseMs, measures, times } = cut;
  const digest = cut.digest();
  return {
    epoch,
    base,
    prev: prev.revision,
    revision,
    cutAt,
    leaseMs,
    bye: false,
    digest,
    times,
    ...measures,
    turn,
  };
}
