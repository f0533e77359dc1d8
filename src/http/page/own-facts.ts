/** What a process knows of itself, for the top of its page. */
import { hostname } from '../../base/node.ts';
import { VERSION } from '../../base/version.ts';

/** The facts, none of which change while the process runs. */
export function factsOf() {
  return {
    host: hostname(),
    pid: process.pid,
    version: VERSION,
    node: process.version,
  };
}
