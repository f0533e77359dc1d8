import test from 'ava';
import { join, joinAlone, parse, unindented } from '../../build/join.ts';

const SOURCES = {
  'src/index.js':
    "export { connect } from './tandem.js';\nexport { Oops as TandemError } from './base/errors.js';\n",
  'src/koa.js': "export { route } from './http/route.js';\n",
  'src/tandem.js': `import { Redis } from 'ioredis';
import { Oops, show as text } from './base/errors.js';
export function connect() {
    return [Redis, new Oops(text(1))];
}
`,
  'src/base/errors.js': `export class Oops extends Error {
}
export const show = (value) => String(value);
const local = 1;
`,
  'src/http/route.js': `import { Router } from '@koa/router';
import { Oops } from '../base/errors.js';
const local = 2;
export async function route() {
    const { PAGE } = await import('./texts.js');
    return [Router, Oops, PAGE, local];
}
`,
  'src/http/texts.js': 'export const PAGE = "import { a } from \'b\';\\n";\n',
};

function joined(changed: Readonly<Record<string, string>> = {}): Map<string, string> {
  const modules = Object.entries({ ...SOURCES, ...changed }).map(
    ([path, text]) => [path, parse(path, text)] as const,
  );
  return join(new Map(modules), ['src/index.js', 'src/koa.js']);
}

test('there is one file for each entry, one for what they share, and one for what is imported later', (t) => {
  t.deepEqual([...joined().keys()].sort(), [
    'src/core.js',
    'src/http/texts.js',
    'src/index.js',
    'src/koa.js',
  ]);
});

test('a module is a function with its imports as constants, after the modules that it imports', (t) => {
  t.is(
    joined().get('src/core.js'),
    `import { Redis as $ioredis_Redis } from 'ioredis';
const $base_errors = /* @__PURE__ */ (() => {
class Oops extends Error {
}
const show = (value) => String(value);
const local = 1;
return { Oops, show };
})();
const $tandem = /* @__PURE__ */ (() => {
const Redis = $ioredis_Redis;
const { Oops, show: text } = $base_errors;
function connect() {
    return [Redis, new Oops(text(1))];
}
return { connect };
})();
export { $base_errors, $tandem };
`,
  );
});

test('an entry has its own exports alone', (t) => {
  t.is(
    joined().get('src/index.js'),
    `import { $tandem, $base_errors } from './core.js';
const { connect } = $tandem;
const { Oops: TandemError } = $base_errors;
export { connect, TandemError };
`,
  );
});

test('what is imported later is found from the file that the module went to', (t) => {
  t.regex(joined().get('src/koa.js')!, /await import\('\.\/http\/texts\.js'\)/);
  t.is(joined().get('src/http/texts.js'), 'const PAGE = "import { a } from \'b\';\\n";\nexport { PAGE };\n');
});

test('what a program shares with the main entry is apart from the core, and no entry loads what is its own', (t) => {
  const modules = Object.entries({
    ...SOURCES,
    'src/program.js': "import { run } from './cli/run.js';\nrun();\n",
    'src/cli/run.js': `import { show } from './words.js';
export const run = async () => [show, await import('./ls.js'), await import('./watch.js')];
`,
    'src/cli/words.js': "import { show as one } from '../base/errors.js';\nexport const show = one;\n",
    'src/cli/ls.js': "import { show } from './words.js';\nexport const ls = show;\n",
    'src/cli/watch.js': `import { connect } from '../index.js';
import { show } from './words.js';
export const watch = [connect, show];
`,
  }).map(([path, text]) => [path.replace('src/program.js', 'src/cli.js'), text] as const);
  const parsed = new Map(modules.map(([path, text]) => [path, parse(path, text)]));
  const files = join(parsed, ['src/index.js', 'src/koa.js', 'src/cli.js'], ['src/cli.js']);
  t.regex(files.get('src/base.js')!, /^const \$base_errors/);
  t.regex(files.get('src/core.js')!, /import \{ \$base_errors \} from '\.\/base\.js';\nconst \$tandem/);
  t.regex(files.get('src/program.js')!, /\$cli_words/);
  for (const file of ['src/cli.js', 'src/cli/ls.js', 'src/program.js', 'src/base.js'])
    t.notRegex(files.get(file)!, /core\.js|index\.js/, file);
  t.regex(files.get('src/cli/watch.js')!, /from '\.\.\/index\.js'/);
  for (const file of ['src/index.js', 'src/koa.js', 'src/core.js'])
    t.notRegex(files.get(file)!, /program\.js/, file);
});

for (const [what, text] of [
  ['a default export', 'export default 1;\n'],
  ['a default import', "import ioredis from 'ioredis';\n"],
  ['a whole namespace', "import * as all from './base/errors.js';\n"],
  ['a list of exports', 'const a = 1;\nexport { a };\n'],
  ['a variable that may change', 'export let a = 1;\n'],
  ['its own place', 'export const here = import.meta.url;\n'],
])
  test(`${what} is refused`, (t) => {
    t.throws(() => joined({ 'src/tandem.js': `${text}export function connect() {\n}\n` }), {
      message: /^src\/tandem\.js: cannot be joined/,
    });
  });

test('an entry that stands alone has all that it needs, in one scope', (t) => {
  const sources = {
    'src/client.js': "export { follow } from './client/follow.js';\n",
    'src/client/follow.js': `import { show } from '../base/errors.js';
export function follow() {
    const name = show(1);
    return name;
}
`,
    'src/base/errors.js': 'export const show = (value) => String(value);\n',
  };
  const joinedAlone = (changed: Readonly<Record<string, string>> = {}): string =>
    joinAlone(
      new Map(
        Object.entries({ ...sources, ...changed }).map(([path, text]) => [path, parse(path, text)] as const),
      ),
      'src/client.js',
    );
  t.is(
    joinedAlone(),
    `const show = (value) => String(value);
function follow() {
    const name = show(1);
    return name;
}
export { follow };
`,
  );
  const other = "import { show } from '../base/errors.js';\n";
  t.throws(() => joinedAlone({ 'src/client/follow.js': `${other}const show = 1;\n` }), {
    message: /the name show/,
  });
  const renamed = "import { show as print } from '../base/errors.js';\n";
  t.throws(() => joinedAlone({ 'src/client/follow.js': renamed }), { message: /cannot be joined.*print/ });
  t.throws(() => joinedAlone({ 'src/base/errors.js': "import { Redis } from 'ioredis';\n" }), {
    message: /cannot be joined.*ioredis/,
  });
});

test('lines lose their indentation, but for those that begin within a template', (t) => {
  const text = 'if (a) {\n    b(`one` + `two\n    ${c}\n  three` + d);\n    e();\n}\n';
  t.is(unindented(text), 'if (a) {\nb(`one` + `two\n    ${c}\n  three` + d);\ne();\n}\n');
});

test('a backquote that begins no template is refused, since templates could not be told from code', (t) => {
  t.throws(() => unindented("const a = '`';\n    b();\n"), { message: /no end/ });
});
