/** The client, with a scripted server and a fake time. */
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { z } from 'zod';
import { FakeTime } from '../../src/base/fake-time.ts';
import type { ClientError } from '../../src/client.ts';
import { follow } from '../../src/client.ts';
import { defineSpace, json } from '../../src/index.ts';
import { clientOf, held, ScriptedServer } from '../_scripted-server.ts';

const HEAD = '1700000000000-5';
const NEXT = '1700000000000-6';

function scripted(): { time: FakeTime; server: ScriptedServer } {
  const time = new FakeTime();
  return { time, server: new ScriptedServer(time) };
}

/** A client that has the state of two keys. */
async function begun(t: ExecutionContext, options: Parameters<typeof clientOf>[3] = {}) {
  const { time, server } = scripted();
  const client = clientOf(t, server, time, options);
  await time.advance(0);
  server.send('state', { head: HEAD, state: { regime: held('bull', HEAD), 'bot/a': held(1, HEAD) } });
  await time.advance(0);
  return { time, server, client };
}

function change(changes: readonly (readonly [string, unknown])[], position = NEXT, deletes: string[] = []) {
  return { position, changes: changes.map(([key, value]) => ({ key, value, position })), deletes };
}

test('before anything has come, readings are empty and stale', async (t) => {
  const { time, server } = scripted();
  const client = clientOf(t, server, time);
  const { value, position, freshness, staleMs, source, owner, ownerAlive } = client.get('regime');
  t.deepEqual([value, position, freshness], [undefined, '0-0', 'stale']);
  t.deepEqual([staleMs, source, owner, ownerAlive], [Infinity, 'memory', 'never', false]);
  t.is(client.mode, 'recovering');
  await time.advance(0);
});

test('readings have the fields of the core, computed when they are read', async (t) => {
  const { time, client } = await begun(t);
  const reading = client.get('regime');
  t.deepEqual(
    { ...reading, staleMs: 0 },
    {
      key: 'regime',
      value: 'bull',
      position: HEAD,
      changedAt: undefined,
      freshness: 'live',
      staleMs: 0,
      source: 'redis',
      ownerAlive: true,
      owner: 'alive',
    },
  );
  t.true(Object.isFrozen(reading));
  const { staleMs } = reading;
  time.skip(100);
  t.true(Math.abs(reading.staleMs - staleMs - 100) < 0.1);
  t.deepEqual([client.head, client.size, client.mode], [HEAD, 2, 'connected']);
});

test('a reading is the same object until its key or its proof changes', async (t) => {
  const { time, server, client } = await begun(t);
  const reading = client.get('regime');
  t.is(client.get('regime'), reading);
  server.send('change', change([['bot/a', 2]]));
  await time.advance(0);
  t.is(client.get('regime'), reading);
  server.send('status', { head: NEXT });
  await time.advance(0);
  t.not(client.get('regime'), reading);
});

test('values are frozen, and stay the same objects when the same state comes again', async (t) => {
  const { time, server } = scripted();
  const client = clientOf(t, server, time);
  const state = { head: HEAD, state: { regime: held({ name: ['bull'] }, HEAD) } };
  await time.advance(0);
  server.send('state', state);
  await time.advance(0);
  const value = client.get('regime').value as { name: string[] };
  t.throws(() => value.name.push('bear'));
  const told: string[] = [];
  client.watch('*', ({ key }) => told.push(key));
  server.send('state', state);
  await time.advance(0);
  t.is(client.get('regime').value, value);
  t.deepEqual(told, []);
});

test('a change is applied whole before anybody is told, and each watcher is told once', async (t) => {
  const { time, server, client } = await begun(t);
  const told: unknown[][] = [];
  const all = (): unknown[] => [...client.entries()].map(({ key, value }) => [key, value]);
  client.watch('bot/*', ({ key, value }) => told.push([key, value, all()]));
  client.watch('regime', ({ value }) => told.push(['regime', value, all()]));
  server.send(
    'change',
    change(
      [
        ['bot/a', 2],
        ['bot/b', 3],
      ],
      NEXT,
      ['regime'],
    ),
  );
  await time.advance(0);
  const after = [
    ['bot/a', 2],
    ['bot/b', 3],
  ];
  t.deepEqual(told, [
    ['bot/a', 2, after],
    ['bot/b', 3, after],
    ['regime', undefined, after],
  ]);
});

test('what comes in pieces is applied once it is whole', async (t) => {
  const { time, server, client } = await begun(t);
  const text = server.event('change', change([['bot/ä', '✓']]));
  for (const piece of text.match(/[^]{1,7}/gu)!.slice(0, -1)) server.stream.send(piece);
  await time.advance(0);
  t.is(client.head, HEAD);
  server.stream.send(text.match(/[^]{1,7}/gu)!.at(-1)!);
  await time.advance(0);
  t.deepEqual([client.head, client.get('bot/ä').value], [NEXT, '✓']);
});

test('watch begins with what is there where it is asked to, and ends by its function or its signal', async (t) => {
  const { time, server, client } = await begun(t);
  const told: string[] = [];
  const abort = new AbortController();
  const end = client.watch('bot/*', ({ key }) => told.push(`one ${key}`), { initial: true });
  client.watch('*', ({ key }) => told.push(`two ${key}`), { signal: abort.signal });
  t.deepEqual(told.splice(0), ['one bot/a']);
  end();
  abort.abort();
  server.send('change', change([['bot/a', 2]]));
  await time.advance(0);
  t.deepEqual(told, []);
});

test('changes are iterated: each changed key once, as it is then, until the client ends', async (t) => {
  const { time, server, client } = await begun(t);
  const changes = client.changes('bot/*');
  server.send(
    'change',
    change([
      ['bot/a', 2],
      ['regime', 'bear'],
    ]),
  );
  server.send(
    'change',
    change(
      [
        ['bot/a', 3],
        ['bot/b', 1],
      ],
      '1700000000000-7',
    ),
  );
  await time.advance(0);
  const seen: unknown[] = [];
  const reading = (async () => {
    for await (const { key, value } of changes) seen.push([key, value]);
  })();
  await time.advance(0);
  server.send('change', change([['bot/c', 4]], '1700000000000-8'));
  await time.advance(0);
  client.close();
  await reading;
  t.deepEqual(seen, [
    ['bot/a', 3],
    ['bot/b', 1],
    ['bot/c', 4],
  ]);
});

test('an iteration ends at once by its signal, and by break', async (t) => {
  const { time, server, client } = await begun(t);
  const abort = new AbortController();
  const changes = client.changes('*', { signal: abort.signal });
  const waiting = changes.next();
  abort.abort();
  t.true((await waiting).done);
  t.true((await client.changes('*', { signal: abort.signal }).next()).done);
  const other = client.changes('*');
  server.send(
    'change',
    change([
      ['bot/a', 2],
      ['bot/b', 2],
    ]),
  );
  await time.advance(0);
  for await (const { key } of other) {
    t.is(key, 'bot/a');
    break;
  }
  t.true((await other.next()).done);
});

test('without another word a reading grows stale by itself, and subscribers are told', async (t) => {
  const { time, client } = await begun(t, { maxStaleMs: 1_000 });
  const reading = client.get('regime');
  const seen: string[] = [];
  client.subscribe(() => seen.push(`${client.freshness} ${client.owner}`));
  await time.advance(900);
  t.deepEqual([reading.freshness, seen], ['live', []]);
  await time.advance(200);
  t.deepEqual([reading.freshness, client.freshness, seen], ['stale', 'stale', ['stale alive']]);
});

test('an event that was long on its way is as old as it is', async (t) => {
  const { time, server, client } = await begun(t, { maxStaleMs: 1_000 });
  const late = server.event('status', { head: HEAD });
  await time.advance(800);
  server.send('status', { head: HEAD });
  await time.advance(0);
  t.true(client.staleMs < 20);
  await time.advance(5);
  server.stream.send(late);
  await time.advance(0);
  t.true(client.staleMs >= 800, String(client.staleMs));
});

test('a tab that did not run for long shows nothing as live, although a buffer is full of events', async (t) => {
  const { time, server, client } = await begun(t);
  const buffered = server.event('status', { head: HEAD });
  // Frozen: time goes on, and nothing runs.
  time.skip(60_000);
  t.is(client.get('regime').freshness, 'stale');
  server.stream.send(buffered);
  await time.turn();
  t.is(client.get('regime').freshness, 'stale');
  t.true(client.staleMs >= 60_000);
});

test('after the machine slept nothing is live until a new stream has said so', async (t) => {
  const { time, server, client } = await begun(t);
  const buffered = server.event('status', { head: HEAD });
  time.sleep(500);
  t.is(client.get('regime').freshness, 'stale');
  server.stream.send(buffered);
  await time.advance(1);
  t.is(client.freshness, 'stale');
  t.is(server.asked, 2, 'the client has asked anew');
  t.is(server.stream.url.search, `?from=${HEAD}`);
  // What is said first may be of the moment at which the client asked, and proven before it woke.
  server.send('status', { head: HEAD });
  await time.advance(500);
  t.is(client.freshness, 'stale');
  server.send('status', { head: HEAD });
  await time.advance(0);
  t.is(client.freshness, 'live');
});

test('what the server calls stale is stale', async (t) => {
  const { time, server, client } = await begun(t);
  server.send('status', { head: HEAD, freshness: 'stale', staleMs: null, owner: 'lost', leaseMs: 0 });
  await time.advance(0);
  t.deepEqual([client.freshness, client.staleMs, client.owner], ['stale', Infinity, 'lost']);
});

test('an owner of which nothing is heard counts as lost once its lease is over', async (t) => {
  const { time, server, client } = await begun(t);
  server.send('status', { head: HEAD, leaseMs: 400 });
  await time.advance(300);
  t.is(client.get('regime').owner, 'alive');
  await time.advance(200);
  t.deepEqual([client.get('regime').owner, client.ownerAlive], ['lost', false]);
});

test('a lost stream is opened again from the position of the copy, which stays', async (t) => {
  const { time, server, client } = await begun(t);
  const seen: string[] = [];
  client.subscribe(() => seen.push(`${client.mode} ${client.source}`));
  server.stream.fail();
  await time.advance(0);
  t.deepEqual(seen, ['degraded memory']);
  t.is(client.error?.code, 'SERVER_UNAVAILABLE');
  t.is(client.get('regime').value, 'bull');
  await time.advance(200);
  t.is(server.asked, 2);
  t.is(server.stream.url.href, `http://server/spaces/trading/changes?from=${HEAD}`);
  server.stream.send(server.event('change', change([['bot/a', 9]])) + server.event('status', { head: NEXT }));
  await time.advance(0);
  t.deepEqual([client.mode, client.error, client.get('bot/a').value], ['connected', undefined, 9]);
});

test('a position that does not go on gives a whole state, and nothing is mixed', async (t) => {
  const { time, server, client } = await begun(t);
  const told: unknown[] = [];
  client.watch('*', ({ key, value }) => told.push([key, value]));
  server.stream.end();
  await time.advance(200);
  const head = '1800000000000-2';
  server.send('state', { head, state: { 'bot/a': held(1, HEAD), 'bot/z': held(26, head) } });
  await time.advance(0);
  t.deepEqual(
    [...client.entries()].map(({ key }) => key),
    ['bot/a', 'bot/z'],
  );
  t.deepEqual(told, [
    ['bot/z', 26],
    ['regime', undefined],
  ]);
});

test('a server that is behind takes nobody back', async (t) => {
  const errors: ClientError[] = [];
  const { time, server, client } = await begun(t, { onError: (error) => errors.push(error) });
  server.stream.end();
  await time.advance(200);
  server.send('state', { head: '1700000000000-4', state: {} });
  await time.advance(0);
  t.deepEqual([client.head, client.get('regime').value, client.error?.code], [HEAD, 'bull', 'ROLLED_BACK']);
  await time.advance(500);
  server.send('state', { head: NEXT, state: {} });
  await time.advance(0);
  t.deepEqual([client.head, client.size, client.error], [NEXT, 0, undefined]);
  t.deepEqual(
    errors.map(({ code }) => code),
    ['SERVER_UNAVAILABLE', 'ROLLED_BACK'],
  );
});

test('a copy of an owner that had not claimed is no place to go on from', async (t) => {
  const { time, server } = scripted();
  const client = clientOf(t, server, time);
  await time.advance(0);
  server.send('state', { head: '0-3', state: { regime: held('bull', '0-3') } });
  await time.advance(0);
  server.stream.end();
  await time.advance(200);
  t.is(server.stream.url.search, '');
  server.send('state', { head: '0-1', state: {} });
  await time.advance(0);
  t.deepEqual([client.head, client.size], ['0-1', 0]);
});

test('the pauses double, with a random part, up to five seconds', async (t) => {
  const { time, server } = scripted();
  server.answers.push(...Array.from({ length: 9 }, () => new TypeError('no network')));
  clientOf(t, server, time);
  const at: number[] = [];
  for (let asked = 0; at.length < 10; await time.advance(10)) {
    if (server.asked > asked) at.push(time.now());
    asked = server.asked;
  }
  const pauses = at.slice(1).map((each, n) => each - at[n]!);
  for (const [n, pause] of pauses.entries()) {
    const most = Math.min(5_000, 200 * 2 ** n);
    t.true(pause >= most / 2 && pause <= most + 20, `${n}: ${pause}`);
  }
});

test('a server that says when to come back is not asked before', async (t) => {
  for (const status of [404, 429, 503]) {
    const { time, server } = scripted();
    const problem = { code: 'TOO_MANY_CLIENTS', detail: 'all are open' };
    server.answers.push(Response.json(problem, { status, headers: { 'Retry-After': '3' } }));
    const client = clientOf(t, server, time);
    await time.advance(2_990);
    t.is(server.asked, 1);
    t.like(client.error, { code: 'TOO_MANY_CLIENTS', status, retryable: true, retryMs: 3_000 });
    await time.advance(1_000);
    t.is(server.asked, 2);
  }
});

test('a goodbye names the pause after it', async (t) => {
  const { time, server, client } = await begun(t);
  server.stream.send(`retry: 1000\n${server.event('goodbye', { reason: 'draining' })}`);
  server.stream.end();
  await time.advance(990);
  t.is(server.asked, 1);
  t.regex(client.error!.message, /draining/);
  await time.advance(300);
  t.is(server.asked, 2);
});

test('a refusal of the credentials ends the client, and says so', async (t) => {
  for (const [status, code] of [
    [401, 'UNAUTHORIZED'],
    [403, 'FORBIDDEN'],
    [400, 'SERVER_REFUSED'],
  ] as const) {
    const { time, server } = scripted();
    server.answers.push(new Response('no', { status }));
    const errors: ClientError[] = [];
    const client = clientOf(t, server, time, { onError: (error) => errors.push(error) });
    const ready = t.throwsAsync(client.ready(), { code });
    await time.advance(60_000);
    await ready;
    t.deepEqual([client.mode, client.error?.code, errors.length, server.asked], ['stopped', code, 1, 1]);
    t.like(errors[0], { name: 'ClientError', code, status, retryable: false });
    t.is(time.pending, 0);
  }
});

test('an answer that is no stream is tried again', async (t) => {
  const { time, server } = scripted();
  server.answers.push(new Response('<html>', { headers: { 'Content-Type': 'text/html' } }));
  const client = clientOf(t, server, time);
  await time.advance(10);
  t.regex(client.error!.message, /expected events, got text\/html/);
  await time.advance(300);
  t.is(server.asked, 2);
});

test('events that cannot be read end the stream, and it is opened again', async (t) => {
  const { time, server, client } = await begun(t);
  server.stream.send('event: change\ndata: {"position"\n\n');
  await time.advance(0);
  t.deepEqual([client.mode, client.head], ['degraded', HEAD]);
  await time.advance(300);
  t.is(server.asked, 2);
});

test('events of a later version are passed over', async (t) => {
  const { time, server, client } = await begun(t);
  server.stream.send('event: later\ndata: {"any":1}\n\n');
  await time.advance(0);
  t.deepEqual([client.mode, client.head], ['connected', HEAD]);
});

test('a silent stream is given up, and opened again', async (t) => {
  const { time, server, client } = await begun(t);
  await time.advance(8_000);
  t.regex(client.error?.message ?? '', /silent/);
  t.is(server.asked, 2);
  t.false(server.streams[0]!.isOpen);
});

test('a stream that has not begun yet may take its time', async (t) => {
  const { time, server } = scripted();
  const client = clientOf(t, server, time);
  await time.advance(14_000);
  t.is(server.asked, 1);
  server.send('state', { head: HEAD, state: {} });
  await time.advance(0);
  t.is(client.mode, 'connected');
});

test('the headers are asked for at each connection', async (t) => {
  let token = 0;
  const headers = async () => ({ Authorization: `Bearer ${(token += 1)}` });
  const { time, server } = await begun(t, { headers });
  server.stream.end();
  await time.advance(300);
  t.deepEqual(
    server.streams.map((stream) => stream.headers.get('Authorization')),
    ['Bearer 1', 'Bearer 2'],
  );
});

test('where the headers cannot be had, the client tries again', async (t) => {
  const { time, server } = scripted();
  let fails = true;
  const headers = () => {
    if (fails) throw new Error('secret');
    return new Headers({ 'X-Key': 'k' });
  };
  const client = clientOf(t, server, time, { headers });
  await time.advance(0);
  t.is(client.error?.code, 'CREDENTIALS_FAILED');
  t.notRegex(client.error!.message, /secret/);
  fails = false;
  await time.advance(300);
  t.is(server.stream.headers.get('X-Key'), 'k');
});

test('the clock of the server is read again and again, ever more rarely', async (t) => {
  const { time, server } = await begun(t);
  for (let n = 0; n < 600; n += 1) {
    await time.advance(1_000);
    server.send('status', { head: HEAD });
  }
  await time.advance(0);
  t.is(server.asked, 1);
  t.true(server.clocksRead >= 10 && server.clocksRead <= 13, String(server.clocksRead));
});

test('a schema types and reads the values, and passes over what it does not define', async (t) => {
  const at = z.codec(z.iso.datetime(), z.date(), {
    decode: (text) => new Date(text),
    encode: (date) => date.toISOString(),
  });
  const space = defineSpace('trading', { regime: z.enum(['bull', 'bear']), 'run/*': z.object({ at }) });
  const { time, server } = scripted();
  const errors: ClientError[] = [];
  const client = clientOf(t, server, time, { space, onError: (error: ClientError) => errors.push(error) });
  await time.advance(0);
  const run = held({ at: '2026-01-02T03:04:05Z' }, HEAD);
  server.send('state', {
    head: HEAD,
    state: { regime: held('bull', HEAD), 'run/x': run, other: held(1, HEAD) },
  });
  await time.advance(0);
  t.is(client.get('run/x').value?.at.getUTCFullYear(), 2026);
  t.is(client.size, 2);
  t.throws(() => client.get('other' as never), { code: 'UNKNOWN_KEY' });

  server.send('change', change([['regime', 'sideways']]));
  await time.advance(0);
  t.deepEqual([client.get('regime').value, client.get('regime').freshness], ['bull', 'stale']);
  t.deepEqual([client.get('run/x').freshness, client.freshness], ['live', 'stale']);
  t.deepEqual(
    errors.map(({ code }) => code),
    ['INVALID_VALUE'],
  );
  server.send('change', change([['regime', 'bear']], '1700000000000-7'));
  await time.advance(0);
  t.deepEqual(
    [client.get('regime').value, client.get('regime').freshness, client.freshness],
    ['bear', 'live', 'live'],
  );
});

test('a key has the schema of its closest family', async (t) => {
  const { time, server } = scripted();
  const schema = { 'a/*': json<string>(), 'a/b/*': z.number(), '*': z.boolean() };
  const client = clientOf(t, server, time, { schema });
  await time.advance(0);
  const state = {
    'a/x': held('s', HEAD),
    'a/b/c': held(1, HEAD),
    'a/': held(true, HEAD),
    k: held(false, HEAD),
  };
  server.send('state', { head: HEAD, state });
  await time.advance(0);
  t.deepEqual(
    [...client.entries()].map(({ value }) => value),
    ['s', 1, true, false],
  );
  t.deepEqual(
    [...client.entries('a/b/')].map(({ key }) => key),
    ['a/b/c'],
  );
});

test('what a callback throws is reported, and disturbs nobody else', async (t) => {
  const errors: ClientError[] = [];
  const { time, server, client } = await begun(t, { onError: (error) => errors.push(error) });
  let told = 0;
  client.watch('*', () => {
    throw new Error('mine');
  });
  client.watch('*', () => (told += 1));
  server.send('change', change([['bot/a', 2]]));
  await time.advance(0);
  t.is(told, 1);
  t.deepEqual(
    errors.map(({ code, cause }) => [code, (cause as Error).message]),
    [['CALLBACK_FAILED', 'mine']],
  );
});

test('waits end by the state, a position, a timeout, a signal or the end', async (t) => {
  const { time, server } = scripted();
  const client = clientOf(t, server, time);
  const abort = new AbortController();
  const ready = client.ready();
  const there = client.waitFor(NEXT);
  const late = t.throwsAsync(client.waitFor('1900000000000-1', { timeoutMs: 500 }), { code: 'TIMEOUT' });
  const gone = t.throwsAsync(client.waitFor('1900000000000-1', { signal: abort.signal }), {
    message: 'gone',
  });
  const stopped = t.throwsAsync(client.waitFor('1900000000000-1'), { code: 'STOPPED' });
  await time.advance(0);
  server.send('state', { head: HEAD, state: {} });
  await ready;
  await time.advance(0);
  server.send('status', { head: NEXT });
  await there;
  await time.advance(600);
  await late;
  abort.abort(new Error('gone'));
  await gone;
  client.close();
  await stopped;
  t.is(client.mode, 'stopped');
  await time.advance(0);
  t.is(time.pending, 0, 'no timer is left');
  t.false(server.stream.isOpen);
});

test('the signal of a client closes it, also one that was aborted before', async (t) => {
  const { time, server } = scripted();
  const abort = new AbortController();
  const client = clientOf(t, server, time, { signal: abort.signal });
  await time.advance(0);
  abort.abort();
  t.is(client.mode, 'stopped');
  t.is(clientOf(t, server, time, { signal: abort.signal }).mode, 'stopped');
  await time.advance(100);
  t.is(server.asked, 1);
});

test('options that say nothing are refused', (t) => {
  for (const bad of [{ url: '', space: 'a' }, { url: '/x', space: '' }, { url: '/x' }])
    t.throws(() => follow(bad as never), { code: 'INVALID_OPTION', name: 'ClientError' });
});

test('a client that is closed leaves no timer, also where its fetch does not end', async (t) => {
  const time = new FakeTime();
  const server = new ScriptedServer(time);
  const options = { fetch: () => new Promise<never>(() => {}) };
  const client = clientOf(t, server, time, options);
  await time.advance(1_500);
  client.close();
  clientOf(t, server, time, options).close();
  await time.advance(0);
  t.is(time.pending, 0);
});
