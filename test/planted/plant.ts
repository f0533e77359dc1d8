/**
 * Plants the bug with the number `PLANTED` into the source that has its mark, as that source is loaded. It is
 * itself loaded before everything else (`node --import`).
 */
import { registerHooks } from 'node:module';
import { bugs } from './bugs.ts';
import { markedIn, planted } from './mark.ts';

const bug = bugs[Number(process.env.PLANTED)];
if (bug === undefined) throw new Error(`PLANTED: expected the number of a bug, got ${process.env.PLANTED}`);

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!/\/(src|machines)\/.*\.ts$/.test(url)) return loaded;
    const source = Buffer.from(loaded.source as Uint8Array).toString();
    const marked = markedIn(source, bug.mark);
    if (marked === undefined) return loaded;
    const statement = bug.plant(marked.statement);
    if (statement === marked.statement) throw new Error(`"${bug.name}" does not change ${statement}`);
    return { ...loaded, source: planted(source, marked, statement) };
  },
});
