/** What an ended owner could not commit, by its books. */
import test from 'ava';
import { finish } from '../../src/base/slices.ts';
import type { Books } from '../../src/owner/books.ts';
import { Lease } from '../../src/owner/lease.ts';
import { Progress } from '../../src/owner/progress.ts';
import { findUncommitted, hasUncommitted } from '../../src/owner/uncommitted.ts';
import { Ledger } from '../../src/state/ledger.ts';
import { ZERO } from '../../src/state/position.ts';
import { resume } from '../_ledger.ts';

const LINE = { epoch: 5, base: { epoch: 3, revision: 2 } };

/** The books of an owner that goes on from two keys, and has committed up to there. */
function leading(json = '1'): Books {
  const books = { ledger: new Ledger(), progress: new Progress(), lease: new Lease('owner', 1_000) };
  resume(books.ledger, LINE, 2, 0, [
    { key: 'a', revision: 1, json },
    { key: 'b', revision: 2, json: '1' },
  ]);
  books.progress.committedUpTo({ epoch: 5, revision: 2 });
  return books;
}

const found = (books: Books): string[] =>
  finish(findUncommitted(books)).map(
    ({ key, value, position }) => `${key} ${JSON.stringify(value)} ${position}`,
  );

test('an owner that has committed all of it has nothing', (t) => {
  const books = leading();
  t.false(hasUncommitted(books));
  t.deepEqual(found(books), []);
});

test('what was set and deleted since the last commit is named, oldest first', (t) => {
  const books = leading();
  books.ledger.set('c', '{"x":1}');
  books.ledger.delete('a');
  t.true(hasUncommitted(books));
  t.deepEqual(found(books), ['c {"x":1} 5-3', 'a undefined 5-4']);
});

test('a value that was withheld is named with its true value, though a text in its place was committed', (t) => {
  const books = leading();
  books.ledger.set('c', '"large"');
  books.ledger.withhold('c', { aheadMs: () => 0 });
  books.progress.committedUpTo({ epoch: 5, revision: 4 });
  t.true(hasUncommitted(books));
  t.deepEqual(found(books), ['c "large" 5-4']);
});

test('where the store has lost keys, all is named, also text that is no JSON', (t) => {
  const books = leading('no JSON');
  books.progress.claimedAt({ epoch: 5, revision: 2 }, 'incomplete');
  t.deepEqual(found(books), ['a "no JSON" 3-1', 'b 1 3-2']);
});

test('after a takeover by a line that does not go on from here, all is named', (t) => {
  const books = leading();
  const head = { epoch: 9, revision: 1, base: ZERO } as Parameters<Lease['lost']>[0];
  books.lease.lost(head);
  t.is(found(books).length, 2);
});
