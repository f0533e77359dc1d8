import { readFileSync } from 'node:fs';
import test from 'ava';
import { withDiagrams } from '../../docs/diagram.ts';

test('the diagrams in the README match the machines (if not, run: npm run diagram)', (t) => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  t.is(withDiagrams(readme), readme);
});
