/**
 * Loaded before everything else (`node --import`). Plants the bug number `PLANTED` into its source file while
 * Node loads that file.
 */
import { registerHooks } from 'node:module';
import { bugs } from './bugs.ts';

const bug = bugs[Number(process.env.PLANTED)];
if (bug === undefined) throw new Error(`PLANTED: expected the number of a bug, got ${process.env.PLANTED}`);
const target = new URL(`../../${bug.file}`, import.meta.url).href;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (url !== target) return loaded;
    const source = Buffer.from(loaded.source as Uint8Array).toString();
    if (source.split(bug.find).length !== 2)
      throw new Error(`"${bug.find}" does not occur exactly once in ${bug.file}`);
    return { ...loaded, source: source.replace(bug.find, () => bug.replace) };
  },
});
