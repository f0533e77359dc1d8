/** The entry of `tandem-sync/koa`: the spaces that a process owns or follows, over HTTP. */
export { directRouter } from './http/direct-router.ts';
export type { DirectRouterOptions } from './http/direct-router.ts';
export { statusRouter } from './http/status-router.ts';
export type { Authorize } from './http/access.ts';
export type { CorsOptions } from './http/cors.ts';
export type { DrainOptions, StatusOptions, StatusRouter } from './http/status-router.ts';
export type { Readiness } from './http/diagnosis.ts';
export type { ChartLine, ChartOptions, Tone } from './http/page/charts.ts';
