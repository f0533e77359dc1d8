/** What a process knows of itself, for the top of its page. */
import { VERSION } from '../../base/version.ts';

/** The facts, none of which change while the process runs. */
export function factsOf() {
  return {
    host: process.getBuiltinModule('node:os').hostname(),
    pid: process.pid,
    version: VERSION,
    node: process.version,
  };
}
