/** The same work by Tandem and by each of what could stand in its place, in turn. */
import type { Report, Row, Settings } from './benchmark.ts';
import type { Lane } from './lane.ts';
import { withLanes } from './lane.ts';
import type { Figures, Sampled } from './rounds.ts';
import { alternate } from './rounds.ts';
import type { ServerKind } from './servers.ts';
import { missing, withServer } from './servers.ts';
import type { WayName } from '../ways/index.ts';

export interface Peer {
  readonly way: WayName;
  readonly server: ServerKind;
  /** What it is called in the table. */
  readonly what: string;
}

/** A peer whose server is not installed is left out, with a word. */
export function againstPeers<P extends Peer>(
  peers: readonly P[],
  settings: Settings,
  measure: (lane: Lane, peer: P) => Promise<Figures>,
  rowsOf: (peer: P, pair: readonly [ours: Sampled, theirs: Sampled]) => readonly Row[],
): Promise<Report> {
  return withServer('redis', async ({ url }) => {
    const rows: Row[] = [];
    const skipped: string[] = [];
    const details: Record<string, unknown> = {};
    for (const peer of peers) {
      const { way, server, what } = peer;
      const why = missing(server);
      if (why !== undefined) {
        skipped.push(`${what}: ${why}`);
        continue;
      }
      await withServer(server, async (other) => {
        const lanes = [
          { way: 'tandem' as const, url },
          { way, url: other.url },
        ];
        await withLanes(lanes, async ([ours, theirs]) => {
          const found = await alternate(settings, {
            ours: () => measure(ours!, peer),
            theirs: () => measure(theirs!, peer),
          });
          rows.push(...rowsOf(peer, [found.ours, found.theirs]));
          details[way] = found;
        });
      });
    }
    return { rows, skipped, details };
  });
}
