/** The description of the routes, compared with the rules of OpenAPI 3.1 and with real answers. */
import { once } from 'node:events';
import { createServer } from 'node:http';
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
  ['/spaces/trading/clock', '/spaces/{space}/clock', 200],
  ['/spaces/nowhere/clock', '/spaces/{space}/clock', 404],
  ['/spaces/trading/history', '/spaces/{space}/history', 404],
  ['/spaces/trading/history?limit=0', '/spaces/{space}/history', 400],
  ['/livez', '/livez', 200],
  ['/readyz', '/readyz', 200],
  ['/readyz?verbose', '/readyz', 200],
  ['/readyz?verbose&verbose', '/readyz', 400],
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

/** The description's parameters of a path, with the schema of each in place of a reference. */
function parametersOf(path: string): { name: string; in: string; schema: any }[] {
  const { parameters = [], get } = document.paths[path];
  return [...parameters, ...(get.parameters ?? [])].map((one: any) => ({
    ...one,
    schema: one.schema.$ref ? lookUp(one.schema.$ref) : one.schema,
  }));
}

/** Values of parameters at both sides of each rule, as text. Those that wait for long are left out. */
const VALUES = [
  ['0', '7', '007', '-1', '+1', '1.5', '1e3', '', ' 1', 'NaN', 'Infinity', 'null', '[]'],
  ['30001', '9007199254740991', '9007199254740992', '9'.repeat(30)],
  ['0-0', '1-0', '00-1', '1-01', '1-', '-1', '1-1-1', '1 - 1', '0-999999999999999', '0-1000000000000000'],
  ['0-9007199254740992', 'never', '٣-٣'],
].flat();

/** Whether text is a value of this schema, as a parameter is read: a number as its digits. */
function isValueOf(schema: any, text: string): boolean {
  const ajv = new Ajv2020.default({ strict: false });
  const isNumber = schema.type === 'integer' && /^(0|[1-9]\d*)$/.test(text);
  return ajv.validate<string | number>(schema, isNumber ? Number(text) : text);
}

test('each route refuses a parameter exactly where its description does', async (t) => {
  const tried: string[] = [];
  const templates = {
    '/spaces/{space}': 'trading',
    '/spaces/{space}/changes': 'trading',
    '/spaces': '',
    '/readyz': '',
  };
  for (const [template, space] of Object.entries(templates)) {
    const path = template.replace('{space}', space);
    for (const { name, in: place, schema } of parametersOf(template)) {
      if (place === 'path') continue;
      for (const value of VALUES) {
        const isHeader = place === 'header';
        // A header cannot hold what is not Latin, and an empty one, or blanks around it, are none.
        if (isHeader && (value !== value.trim() || !/^[\w+. [\]-]+$/.test(value))) continue;
        const query = isHeader
          ? ''
          : `?${name}=${encodeURIComponent(value)}${name === 'atLeast' ? '&timeoutMs=0' : ''}`;
        // No state is asked for that is this old, or that the process would have to wait for.
        const response = await fetch(`${origin}${path}${query}`, {
          method: 'HEAD',
          headers: isHeader ? { [name]: value } : {},
        });
        t.is(
          response.status !== 400,
          isValueOf(schema, value),
          `${path} ${name}=${value}: ${response.status}`,
        );
        t.true(
          String(response.status) in document.paths[template].get.responses,
          `${path}: ${response.status}`,
        );
        tried.push(name);
      }
    }
  }
  t.is(new Set(tried).size, 8, 'every parameter was tried');
});

test('a parameter that comes twice is refused by the routes that read it, and no other reads it', async (t) => {
  for (const [template, { get }] of Object.entries<any>(document.paths)) {
    if (template.includes('{')) continue;
    const described = new Set((get.parameters ?? []).map(({ name }: { name: string }) => name));
    for (const name of ['maxStaleMs', 'atLeast', 'timeoutMs', 'prefix', 'verbose']) {
      const response = await fetch(`${origin}${template}?${name}=1&${name}=1`, { method: 'HEAD' });
      t.is(response.status === 400, described.has(name), `${template} ${name}: ${response.status}`);
    }
  }
});

test('a route takes GET and HEAD, lists them for OPTIONS, and answers 405 to any other method', async (t) => {
  const concrete = (path: string): string =>
    path.replace('{space}', 'trading').replace('{key}', 'regime').replace('{file}', 'main.js');
  for (const template of Object.keys(document.paths)) {
    const path = origin + concrete(template);
    const head = await fetch(path, { method: 'HEAD' });
    t.true(head.ok || head.status === 404, `${template}: ${head.status}`);
    const options = await fetch(path, { method: 'OPTIONS' });
    t.deepEqual([options.status, options.headers.get('allow')], [204, 'GET, HEAD, OPTIONS'], template);
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'PROPFIND']) {
      const response = await fetch(path, { method });
      t.deepEqual(
        [response.status, response.headers.get('allow')],
        [405, 'GET, HEAD, OPTIONS'],
        `${method} ${template}`,
      );
      t.like(await response.json(), { code: 'METHOD_NOT_ALLOWED', status: 405 });
    }
  }
});

test('mounted in a server that takes its prefix away, as Express does, the routes know their address', async (t) => {
  const koa = new Koa();
  koa.use(statusRouter(tandem).routes());
  const answer = koa.callback();
  const server = createServer((req, res) => {
    const { url = '' } = req;
    Object.assign(req, { originalUrl: url, url: url.replace(/^\/desk\/?/, '/') });
    void answer(req, res);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => void server.close());
  const root = `http://127.0.0.1:${(server.address() as AddressInfo).port}/desk`;
  const { servers } = (await (await fetch(`${root}/openapi.json`)).json()) as typeof document;
  t.deepEqual(servers, [{ url: '/desk' }]);
  const page = await fetch(`${root}?a=b?c`, { redirect: 'manual' });
  t.deepEqual([page.status, page.headers.get('location')], [308, './desk/?a=b?c']);
  t.is((await fetch(`${root}/`)).headers.get('content-type'), 'text/html; charset=utf-8');
});

test('a route of the application behind the router still gets its own methods', async (t) => {
  const app = new Koa();
  app.use(statusRouter(tandem).routes());
  app.use((ctx) => {
    if (ctx.method === 'POST') ctx.body = { own: ctx.path };
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => void server.close());
  const root = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  t.deepEqual(await (await fetch(root, { method: 'POST' })).json(), { own: '/' });
  t.is((await fetch(root, { method: 'DELETE' })).status, 405);
});

test('refusals and other origins are described where there are any', async (t) => {
  const app = new Koa();
  const cors = { origins: ['https://desk.example'] };
  app.use(statusRouter(tandem, { authorize: () => true, cors }).routes());
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => void server.close());
  const root = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const described: any = await (await fetch(`${root}/openapi.json`)).json();
  const { valid, errors } = await new Validator().validate(structuredClone(described));
  t.true(valid, JSON.stringify(errors));
  for (const [path, { get, options }] of Object.entries<any>(described.paths)) {
    t.is('401' in get.responses && '403' in get.responses, /^\/spaces\/|^\/events/.test(path), path);
    t.true('Access-Control-Allow-Origin' in (get.responses[200].headers ?? {}), path);
    t.true('Access-Control-Max-Age' in options.responses[204].headers, path);
  }
  for (const { headers } of Object.values<any>(described.components.responses))
    t.true('Access-Control-Expose-Headers' in headers);
  t.false(JSON.stringify(document).includes('Access-Control'), 'and else nothing is said of them');
  t.false('401' in document.paths['/spaces/trading'].get.responses);
});

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
    ['state', 'StateEvent'],
    ['change', 'Change'],
    ['status', 'Status'],
  ] as const) {
    const validate = ajv.compile({ $ref: `openapi#/components/schemas/${name}` });
    for (const { data } of client.of(event))
      t.true(validate(data), `${event}: ${JSON.stringify(validate.errors)}`);
  }
});
