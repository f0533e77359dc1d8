/** What a socket shows of a server: that it is busy, or nothing. */
import test from 'ava';
import { Traffic } from '../../src/redis/traffic.ts';

function setTheStage() {
  const wire = { bytesRead: 100, bytesWritten: 100, writableLength: 0 };
  const traffic = new Traffic(() => wire);
  traffic.moved();
  return { wire, traffic };
}

test('bytes that were read since the last look have moved', (t) => {
  const { wire, traffic } = setTheStage();
  t.false(traffic.moved());
  wire.bytesRead += 1;
  t.true(traffic.moved());
  t.false(traffic.moved());
});

test('what is written and goes out at once shows nothing: the kernel takes it for a stopped server, too', (t) => {
  const { wire, traffic } = setTheStage();
  wire.bytesWritten += 5_000;
  t.false(traffic.moved());
  wire.bytesWritten += 5_000;
  t.false(traffic.moved());
});

test('where something waited to go out, and less waits now, bytes have moved', (t) => {
  const { wire, traffic } = setTheStage();
  wire.bytesWritten += 5_000;
  wire.writableLength = 4_000;
  t.false(traffic.moved(), 'nothing waited at the last look');
  t.false(traffic.moved(), 'all of it still waits');
  wire.writableLength = 3_000;
  t.true(traffic.moved());
  wire.writableLength = 0;
  t.true(traffic.moved());
  t.false(traffic.moved());
});

test('what is written on top of what waits has not moved, whatever its characters take in bytes', (t) => {
  const { wire, traffic } = setTheStage();
  wire.bytesWritten += 3_000;
  wire.writableLength = 1_000;
  t.false(traffic.moved());
  for (const bytesPerUnit of [1, 2, 3]) {
    wire.bytesWritten += 1_000 * bytesPerUnit;
    wire.writableLength += 1_000;
    t.false(traffic.moved(), `${bytesPerUnit} bytes`);
  }
});

test('without one socket, nothing is seen to move', (t) => {
  t.false(new Traffic(() => undefined).moved());
});
