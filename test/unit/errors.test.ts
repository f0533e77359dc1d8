/** One table of codes: the sources, the docstrings and the page agree with it. */
import { globSync, readFileSync } from 'node:fs';
import test from 'ava';
import { errorsPage } from '../../docs/errors.ts';
import type { ErrorCode } from '../../src/base/error-codes.ts';
import { ERRORS } from '../../src/base/error-codes.ts';
import { OwnedElsewhereError, TandemError } from '../../src/base/errors.ts';
import { PROBLEMS, STATUS } from '../../src/http/problem.ts';

const ROOT = new URL('../../', import.meta.url);
/** The tables themselves do not count as a use. */
const TABLES = new Set(['src/base/error-codes.ts', 'src/http/problem.ts']);
const sources = globSync('src/**/*.ts', { cwd: ROOT.pathname })
  .filter((file) => !TABLES.has(file))
  .map((file) => ({ file, text: readFileSync(new URL(file, ROOT), 'utf8') }));
const MADE = /(?:new (?:TandemError|InvalidValueError|Problem)|super)\(\s*'([A-Z_]+)'/g;
/** Codes that a call names for what it makes, as `asTandemError(error, 'INVALID_FRAME', …)` does. */
const NAMED = /'([A-Z]+(?:_[A-Z]+)*)'/g;
const codes = Object.keys(ERRORS) as ErrorCode[];

function found(shape: RegExp): { file: string; code: string }[] {
  return sources.flatMap(({ file, text }) =>
    [...text.matchAll(shape)].map(([, code]) => ({ file, code: code! })),
  );
}

test('docs/errors.md is what the sources say (if not, run: npm run docs)', async (t) => {
  t.is(await errorsPage(), readFileSync(new URL('docs/errors.md', ROOT), 'utf8'));
});

test('an error is retryable, and has a remedy, as the table says', (t) => {
  for (const code of codes) {
    const error = new TandemError(code, 'a message');
    t.is(error.retryable, ERRORS[code].retryable, code);
    t.is(error.remedy, ERRORS[code].remedy, code);
  }
  t.false(new OwnedElsewhereError('trading', 'trading-1').retryable, 'the other lives, and goes on');
});

test('the sources make errors of codes in the tables alone', (t) => {
  const unknown = found(MADE).filter(({ code }) => !(code in ERRORS || code in PROBLEMS));
  t.deepEqual(unknown, []);
  t.true(found(MADE).length > 50, 'the sources were read');
});

test('each code of the tables comes from somewhere', (t) => {
  const named = new Set(found(NAMED).map(({ code }) => code));
  const unused = [...codes, ...Object.keys(PROBLEMS)].filter((code) => !named.has(code));
  t.deepEqual(unused, []);
});

test('a docstring names no code that does not exist', (t) => {
  const unknown = sources.flatMap(({ file, text }) =>
    [...text.matchAll(/@throws ([^@]*?)(?:\*\/|\n\s*\* @)/g)].flatMap(([, words]) =>
      [...words!.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)]
        .map(([, code]) => code!)
        .filter((code) => !(code in ERRORS || code in PROBLEMS))
        .map((code) => `${file}: ${code}`),
    ),
  );
  t.deepEqual(unknown, []);
});

test('each entry is made of sentences, and is told apart from the others', (t) => {
  const rules = Object.entries({ ...ERRORS, ...PROBLEMS });
  for (const [code, { meaning, remedy }] of rules)
    for (const text of [meaning, remedy]) t.regex(text, /^[`A-Z].*\.$/s, code);
  t.is(new Set(rules.map(([, { meaning }]) => meaning)).size, rules.length);
  t.deepEqual(
    Object.keys(STATUS).filter((code) => !(code in ERRORS)),
    [],
  );
});
