import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

import { listenOn } from './free-port.ts';

/**
 * Starts a registry with one package in one version, and sets this process's npm to it until the end of a test. `sent`
 * is sent in place of the package `tgz`, whose integrity is listed.
 */
export async function npmRegistry(
  t: TestContext,
  held: { readonly name: string; readonly version: string; readonly tgz: Buffer; readonly sent?: Buffer },
): Promise<void> {
  const { name, version, tgz, sent = tgz } = held;
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo;
    if (request.url === `/${name}`) {
      const integrity = `sha512-${createHash('sha512').update(tgz).digest('base64')}`;
      const tarball = `http://127.0.0.1:${port}/${name}.tgz`;
      const versions = { [version]: { name, version, dist: { tarball, integrity } } };
      response.end(JSON.stringify({ name, 'dist-tags': { latest: version }, versions }));
    } else if (request.url === `/${name}.tgz`) response.end(sent);
    else response.writeHead(404).end('{}');
  });
  const port = await listenOn(server);
  const cache = mkdtempSync(path.join(tmpdir(), 'fh-npm-'));
  const settings = {
    npm_config_registry: `http://127.0.0.1:${port}/`,
    npm_config_cache: cache,
    npm_config_fetch_retries: '0',
  };
  const before = Object.keys(settings).map((key) => [key, process.env[key]] as const);
  Object.assign(process.env, settings);
  t.after(() => {
    for (const [key, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, key);
      else process.env[key] = value;
    }
    server.close();
    server.closeAllConnections();
    rmSync(cache, { recursive: true, force: true });
  });
}
