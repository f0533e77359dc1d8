/** AVA loads this file before each test file. */
import { registerCompletionHandler } from 'ava';

// When nothing keeps the process alive, it exits at once and skips Node's teardown of open handles. In that
// teardown Node can spin forever on a socket that was reset while it was being ended. AVA still finds and
// names anything that does keep the process alive.
registerCompletionHandler(() => void process.once('beforeExit', () => process.exit()));
