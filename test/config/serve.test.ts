import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import type { ServeConfig } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { configFolder } from '../support/programs/run-cli.ts';

const cases: readonly (readonly [element: string, expected: Partial<ServeConfig>])[] = [
  ['<serve/>', { hosts: ['::1', '127.0.0.1'], port: 5151, socket: null, tls: null, look: false, metrics: null }],
  ['<serve><look/></serve>', { look: true, acknowledge: false, auth: 'beyond-loopback' }],
  ['<serve><look acknowledge="yes"/></serve>', { look: true, acknowledge: true }],
  ['<serve><look acknowledge="no"/></serve>', { look: true, acknowledge: false }],
  [
    '<serve url="https://F.example.org:8443"><look/></serve>',
    { url: 'https://f.example.org:8443/', title: 'f.example.org' },
  ],
  ['<serve url="https://f.example.org/"><look/></serve>', { url: 'https://f.example.org/', prefix: '' }],
  [
    '<serve url="https://example.org/tools/our fleet"><look/></serve>',
    { url: 'https://example.org/tools/our%20fleet/', prefix: '/tools/our%20fleet', title: 'example.org' },
  ],
  ['<serve url="https://example.org/fleet/../x/"><look/></serve>', { url: 'https://example.org/x/', prefix: '/x' }],
  ['<serve url="https://example.org/tools/status/"><look/></serve>', { prefix: '/tools/status' }],
  ['<serve title="Our fleet"><look/></serve>', { url: null, title: 'Our fleet' }],
  ['<serve><look/></serve>', { title: hostname() }],
  ['<serve port="80"/>', { hosts: ['::1', '127.0.0.1'], port: 80 }],
  ['<serve socket="/run/s.sock"/>', { hosts: [], socket: '/run/s.sock' }],
  ['<serve socket="/run/s.sock" port="80"/>', { hosts: ['::1', '127.0.0.1'], socket: '/run/s.sock' }],
  ['<serve host="::"/>', { hosts: ['::'] }],
  ['<serve host="::" trustedProxies="::1"><look/></serve>', { hosts: ['::'], trustedProxies: ['::1'] }],
  ['<serve host="::" tlsCert="/c" tlsKey="/k"><look/></serve>', { tls: { cert: '/c', key: '/k' } }],
  ['<serve host="127.0.0.9"><look/></serve>', { hosts: ['127.0.0.9'] }],
  [
    '<serve socket="/s" trustedProxies="socket, 10.0.0.0/8" userHeader="X-User"/>',
    { trustedProxies: ['socket', '10.0.0.0/8'], userHeader: 'x-user' },
  ],
  ['<serve auth="always"><metrics families="client,self"/></serve>', { auth: 'always', metrics: ['client', 'self'] }],
];

for (const [element, expected] of cases) {
  test(`${element} is understood`, (t) => {
    const dir = configFolder(t, `<config>${element}<client ip="192.0.2.1"/></config>`);
    const { serve } = loadConfig({ file: path.join(dir, 'config.xml') });
    for (const [name, value] of Object.entries(expected)) {
      assert.deepEqual(serve?.[name as keyof ServeConfig], value, name);
    }
  });
}

const warned: Readonly<Record<string, readonly string[]>> = {
  '<serve host="::"><metrics/></serve>': [
    '<serve> host="::" sends tokens over the network in clear; add tlsCert and tlsKey',
  ],
  '<serve><option name="alerts" value="x"/><option name="site"><option name="alerts" value="x"/></option></serve>': [
    '<option name="alerts"> is shown by /status in one list with <alerts>; choose another name',
  ],
  '<serve><option name="serve" value="x"/><option name="mail" value="x"/></serve>': [
    '<option name="serve"> is shown by /status in one list with <serve>; choose another name',
  ],
  '<serve><option name="toString" value="x"/></serve>': [],
};

for (const [element, messages] of Object.entries(warned)) {
  test(`${element} has the warnings ${JSON.stringify(messages)}`, (t) => {
    const dir = configFolder(t, `<config>${element}<client ip="192.0.2.1"/></config>`);
    const { warnings } = loadConfig({ file: path.join(dir, 'config.xml') });
    const said = warnings.map(({ message }) => message).filter((message) => /serve|option/.test(message));
    assert.deepEqual(said, messages);
  });
}
