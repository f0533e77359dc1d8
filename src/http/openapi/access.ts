/** What the options of the application add to the description: refusals, and what other origins may read. */
import { ALLOWED_METHODS, EXPOSED, MAX_AGE_S } from '../cors.ts';

type Json = Record<string, any>;

/** The routes that ask nobody, and files that say nothing of a space. */
const OPEN = new Set(['/livez', '/readyz', '/openapi.json', '/', '/page/{file}', '/spaces', '/fleet']);

/** Adds 401 and 403 to each operation that reads a space. */
export function describeRefusals({ paths, components }: Json): void {
  const challenge = { 'WWW-Authenticate': { schema: { type: 'string' } } };
  components.responses = {
    ...components.responses,
    Unauthorized: { ...components.responses.Problem, headers: challenge },
  };
  for (const [path, { get }] of Object.entries<Json>(paths)) {
    if (OPEN.has(path)) continue;
    get.responses[401] = { $ref: '#/components/responses/Unauthorized' };
    get.responses[403] = { $ref: '#/components/responses/Problem' };
  }
}

/** Adds the headers for other origins to each response, and the preflight to each path. */
export function describeCors(document: Json): Json {
  const { paths, components, info } = document;
  const allowOrigin = { description: 'The origin that may read this', schema: { type: 'string' } };
  const expose = { description: 'The headers that it may read', schema: { const: EXPOSED.join(', ') } };
  const headers = {
    'Access-Control-Allow-Origin': allowOrigin,
    'Access-Control-Allow-Credentials': { schema: { const: 'true' } },
    'Access-Control-Expose-Headers': expose,
  };
  const preflight = {
    description: 'What a page of another origin may send. Without these headers the origin may not ask.',
    headers: {
      ...headers,
      'Access-Control-Allow-Methods': { schema: { const: ALLOWED_METHODS } },
      'Access-Control-Allow-Headers': { schema: { type: 'string' } },
      'Access-Control-Max-Age': { schema: { const: String(MAX_AGE_S) } },
    },
  };
  const open = (responses: Json): Json =>
    Object.fromEntries(
      Object.entries<Json>(responses).map(([name, response]) =>
        '$ref' in response
          ? [name, response]
          : [name, { ...response, headers: { ...response.headers, ...headers } }],
      ),
    );
  const opened = Object.entries<Json>(paths).map(([path, { get, ...rest }]) => {
    const options = { summary: 'A preflight of a browser', responses: { 204: preflight } };
    return [path, { ...rest, get: { ...get, responses: open(get.responses) }, options }];
  });
  return {
    ...document,
    info: { ...info, description: `${info.description} Pages of some other origins may read the answers.` },
    paths: Object.fromEntries(opened),
    components: { ...components, responses: open(components.responses) },
  };
}
