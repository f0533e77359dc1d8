/**
 * Golden vectors: messages of each released version of the wire, and what they mean. A vector never changes.
 * Each later version of this package reads the vectors of the versions that it says it reads.
 */
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { encodeChanges } from '../../src/state/change.ts';
import { encodeFence, encodeRemoval } from '../../src/state/fence.ts';
import { encodeFrame } from '../../src/state/frame.ts';
import { FORMAT } from '../../src/state/header.ts';
import type { Message } from '../../src/state/message.ts';
import { decodeMessage } from '../../src/state/message.ts';
import { encodePartLine } from '../../src/state/part.ts';

interface Vector {
  readonly name: string;
  readonly text: string;
  /** As JSON, which leaves out what is undefined. */
  readonly message: Message;
}

const folder = new URL('../vectors/', import.meta.url);
const versions = readdirSync(folder).map((file) => Number(file.replace('.json', '')));
const vectorsOf = (version: number): Vector[] =>
  JSON.parse(readFileSync(new URL(`${version}.json`, folder), 'utf8')) as Vector[];
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('there are vectors of the version that this package writes', (t) => {
  t.true(versions.includes(FORMAT));
});

for (const version of versions)
  for (const { name, text, message } of vectorsOf(version))
    test(`version ${version}: ${name} means what it always meant`, (t) => {
      t.deepEqual(asJson(decodeMessage(text)), message as unknown);
    });

const isWritten = ({ name }: Vector): boolean => !name.includes('later version');

for (const { name, text } of vectorsOf(FORMAT).filter(isWritten))
  test(`version ${FORMAT}: ${name} is written as it always was`, (t) => {
    t.is(encodeMessage(decodeMessage(text)), text);
  });

function encodeMessage(message: Message): string | undefined {
  if (message.is === 'unknown') return undefined;
  if (message.is === 'fence') return encodeFence(1795364768289.3, message.epoch);
  if (message.is === 'removed') return encodeRemoval(1795364768289.3, message.epoch);
  if (message.is === 'part')
    return `1795364768 289300\n${encodePartLine(message.part)}${encodeChanges(message.part.changes)}`;
  const { publishedAt, changes, ...header } = message.frame;
  return encodeFrame(publishedAt, header, changes);
}
