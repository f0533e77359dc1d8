/** For Jest: Node's own way to read TypeScript, in place of Babel or a compiler. */
import { stripTypeScriptTypes } from 'node:module';

export default { process: (text) => ({ code: stripTypeScriptTypes(text) }) };
