/** The description of the routes, compared with the rules of OpenAPI 3.1 and with real answers. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Validator } from '@seriousme/openapi-schema-validator';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { type } from 'arktype';
import test from 'ava';
import { createRedisMock } from 'js-redis-server';
import Koa from 'koa';
import * as v from 'valibot';
import { z } from 'zod';
import { connect, defineSpace, json } from '../../src/index.ts';
import { statusRouter } from '../../src/koa.ts';
import type { Tandem } from '../../src/index.ts';
import { EventClient } from '../_events.ts';

const Tree = z.object({
  name: z.string(),
  get children() {
    return z.array(Tree);
  },
});

const trading = defineSpace('trading', {
  regime: z.object({
    regime: z.enum(['bull', 'bear']),
    confidence: z.number().min(0).max(1),
    since: z.iso.date(),
  }),
  'strategy/*': type({ position: 'number', 'note?': 'string' }),
  'strategy/inner/*': toStandardJsonSchema(v.object({ pnl: v.number() })),
  tree: Tree,
  defaulted: z.object({ limit: z.number().default(7) }),
  plain: json<number>(),
  'odd {key}': z.string(),
  'größe/*': z.number(),
});
const other = defineSpace('other:1', { '*': z.union([z.string(), z.number()]) });

let redis: Awaited<ReturnType<typeof createRedisMock>>;
let tandem: Tandem;
let origin: string;
let document: any;
let close: () => void;

test.before(async () => {
  redis = await createRedisMock();
  const [address] = redis.addresses();
  tandem = connect({ redis: `redis://${address!.host}:${address!.port}`, name: 'desk-1' });
  const owner = tandem.own(trading);
  const second = tandem.own(other);
  owner.set('regime', { regime: 'bull', confidence: 0.5, since: '2020-01-02' });
  owner.set('strategy/momentum', { position: 3 });
  owner.set('strategy/inner/carry', { pnl: -2 });
  owner.set('tree', { name: 'root', children: [{ name: 'leaf', children: [] }] });
  owner.set('defaulted', {});
  owner.set('plain', 5);
  owner.set('odd {key}', 'odd');
  owner.set('größe/ä/b', 1);
  second.set('anything at all', 'goes');
  await owner.ready();
  await second.ready();
  const app = new Koa();
  const router = statusRouter(tandem).prefix('/api');
  app.use(router.routes());
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  close = () => {
    server.closeAllConnections();
    server.close();
  };
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
  document = await (await fetch(`${origin}/openapi.json`)).json();
});

test.after.always(async () => {
  close?.();
  await tandem?.stop();
  await redis?.close();
});

test('the description is a valid OpenAPI 3.1 document', async (t) => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document));
  t.true(valid, JSON.stringify(errors));
  t.is(validator.version, '3.1');
  t.deepEqual(document.servers, [{ url: '/api' }]);
});

test('the description has every route of the router, and no other', (t) => {
  const routes = statusRouter(tandem)
    .stack.filter(({ methods }) => methods.includes('GET'))
    .map(({ path }) =>
      String(path).replaceAll(/\{\*(\w+)\}|:(\w+)/g, (_, a?: string, b?: string) => `{${a ?? b}}`),
    );
  const described = Object.keys(document.paths).filter((path) => !/^\/spaces\/(trading|other)/.test(path));
  t.deepEqual(described.toSorted(), routes.toSorted());
});

test('values are described by their own schemas', (t) => {
  const { schemas } = document.components;
  t.like(schemas['value.trading.regime'], {
    type: 'object',
    required: ['regime', 'confidence', 'since'],
    properties: { regime: { enum: ['bull', 'bear'] }, confidence: { minimum: 0, maximum: 1 } },
  });
  t.like(schemas['value.trading.strategy.inner._2a'], { properties: { pnl: { type: 'number' } } });
  t.like(schemas['value.trading.strategy._2a'], { properties: { position: { type: 'number' } } });
  t.deepEqual(schemas['value.trading.defaulted'].required, ['limit'], 'as it is read, not as it is set');
  t.deepEqual(schemas['value.trading.plain'], {}, 'a schema without a JSON form allows everything');
  t.true('/spaces/trading/state/strategy/{key}' in document.paths);
  t.true('/spaces/trading/state/gr%C3%B6%C3%9Fe/{key}' in document.paths);
});

/** A validator of the answer of a route with a status, made from the document. */
function validatorOf(path: string, status: number) {
  const ajv = new Ajv2020.default({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(document, 'openapi');
  const { responses } = document.paths[path].get;
  const response = responses[status].$ref ? lookUp(responses[status].$ref) : responses[status];
  const [type] = Object.keys(response.content);
  const { schema } = response.content[type!];
  return { validate: ajv.compile(rebased(schema)), type: type! };
}

function lookUp(ref: string): any {
  return ref
    .slice(2)
    .split('/')
    .reduce((node, step) => node[step], document);
}

function rebased(schema: unknown): any {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/'));
}

const cases: [path: string, template: string, status: number][] = [
  ['/spaces', '/spaces', 200],
  ['/spaces?maxStaleMs=x', '/spaces', 400],
  ['/spaces/trading', '/spaces/trading', 200],
  ['/spaces/trading', '/spaces/{space}', 200],
  ['/spaces/other:1', '/spaces/other%3A1', 200],
  ['/spaces/nowhere', '/spaces/{space}', 404],
  ['/spaces/trading?atLeast=9999999999999-1&timeoutMs=1', '/spaces/{space}', 504],
  ['/spaces/trading?atLeast=never', '/spaces/{space}', 400],
  ['/spaces/trading/state/regime', '/spaces/trading/state/regime', 200],
  ['/spaces/trading/state/regime', '/spaces/{space}/state/{key}', 200],
  ['/spaces/trading/state/strategy/momentum', '/spaces/trading/state/strategy/{key}', 200],
  ['/spaces/trading/state/strategy/inner/carry', '/spaces/trading/state/strategy/inner/{key}', 200],
  ['/spaces/trading/state/tree', '/spaces/trading/state/tree', 200],
  ['/spaces/trading/state/defaulted', '/spaces/trading/state/defaulted', 200],
  ['/spaces/trading/state/gr%C3%B6%C3%9Fe/%C3%A4/b', '/spaces/trading/state/gr%C3%B6%C3%9Fe/{key}', 200],
  ['/spaces/trading/state/none', '/spaces/{space}/state/{key}', 404],
  ['/spaces/trading/changes?from=never', '/spaces/{space}/changes', 400],
  ['/livez', '/livez', 200],
  ['/readyz', '/readyz', 200],
  ['/readyz?verbose', '/readyz', 200],
  ['/openapi.json', '/openapi.json', 200],
  ['/page/none', '/page/{file}', 404],
];

for (const [path, template, status] of cases) {
  test(`GET ${path} answers ${status} as described for ${template}`, async (t) => {
    const { validate, type } = validatorOf(template, status);
    const response = await fetch(origin + path);
    t.is(response.status, status);
    t.is(response.headers.get('content-type')!.split(';')[0], type);
    t.true(validate(await response.json()), JSON.stringify(validate.errors));
  });
}

test('the description rejects answers that the routes would not give', async (t) => {
  const answerOf = async (path: string): Promise<any> => (await fetch(origin + path)).json();
  const state = await answerOf('/spaces/trading');
  const { validate } = validatorOf('/spaces/trading', 200);
  const spoilt = (spoil: (copy: any) => void): boolean => {
    const copy = structuredClone(state);
    spoil(copy);
    return validate(copy);
  };
  t.true(spoilt(() => {}));
  t.false(spoilt((copy) => (copy.state.regime.value.confidence = 2)));
  t.false(spoilt((copy) => (copy.state['strategy/momentum'].value = { pnl: 1 })));
  t.false(spoilt((copy) => (copy.state['strategy/inner/carry'].value = { position: 1 })));
  t.false(spoilt((copy) => (copy.state.tree.value.children[0].children = 7)));
  t.false(spoilt((copy) => (copy.mode = 'asleep')));
  t.false(spoilt((copy) => delete copy.position));
});

test('events match their schemas', async (t) => {
  const client = await EventClient.open(`${origin}/spaces/trading/changes`);
  t.teardown(() => client.close());
  await client.find('the state', ({ event }) => event === 'state');
  const owner = tandem.get('trading') as unknown as { set(key: string, value: unknown): void };
  owner.set('plain', 6);
  await client.find('a change', ({ event }) => event === 'change');
  await client.find('a status', ({ event }) => event === 'status');
  const ajv = new Ajv2020.default({ strict: false });
  ajv.addSchema(document, 'openapi');
  for (const [event, name] of [
    ['state', 'SpaceState'],
    ['change', 'Change'],
    ['status', 'Status'],
  ] as const) {
    const validate = ajv.compile({ $ref: `openapi#/components/schemas/${name}` });
    for (const { data } of client.of(event))
      t.true(validate(data), `${event}: ${JSON.stringify(validate.errors)}`);
  }
});
