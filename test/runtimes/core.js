/** `<file> <url>`: owns and follows a space where neither Koa nor OpenTelemetry is installed, and prints what it read. */
import { connect, defineSpace, json } from 'tandem-sync';
import about from 'tandem-sync/package.json' with { type: 'json' };
import { fakeTime, memoryServer } from 'tandem-sync/testing';

const space = defineSpace('core', { key: json() });
const [owning, following] = ['owner', 'follower'].map((name) => connect({ redis: process.argv[2], name }));
const owner = owning.own(space);
const follower = following.follow(space);
await follower.ready();
owner.set('key', 42);
await follower.waitFor(await owner.flush({ timeoutMs: 20_000 }), { timeoutMs: 20_000 });
const { value, freshness } = follower.get('key');
const missing = await import('tandem-sync/koa').then(
  () => 'none',
  (error) => /koa/.exec(error.message)?.[0],
);
await following.stop();
await owning.stop();

const [server, time] = [memoryServer(), fakeTime()];
const [trader, api] = ['trader', 'api'].map((name) => connect({ store: server, time, name }));
trader.own(space).set('key', 43);
const simulated = api.follow(space);
await time.advance(1_000);
const { value: rehearsed } = simulated.get('key');

console.log(JSON.stringify({ name: about.name, value, freshness, missing, rehearsed }));
