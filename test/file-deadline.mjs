/**
 * Ends a test file that has not ended after ten minutes, and says what keeps it: `node --import
 * ./test/file-deadline.mjs --test FILE...`. From Node 24 on, `--test-timeout` limits tests, but not a file whose tests
 * are over.
 */
import { isMainThread } from 'node:worker_threads';

const limitMs = 600_000;

// The runner itself gets the same options as the processes of its files.
if (isMainThread && process.env['NODE_TEST_CONTEXT'] !== undefined) {
  setTimeout(() => {
    const resources = [...new Set(process.getActiveResourcesInfo())].join(', ');
    console.error(`${process.argv[1]} has not ended after ${limitMs / 1000} s; active: ${resources}`);
    process.exit(1);
  }, limitMs).unref();
}
