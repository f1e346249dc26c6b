/** Lists of each kind that `import` reads, for tests that concern every reader. */
import fc from 'fast-check';

import type { ImportKind } from '../../../../src/cli/import/import-kinds.ts';
import { times } from '../../../support/times.ts';

interface SampleList {
  /** A valid list of several lines. */
  readonly valid: string;
  /** Lists in the form of the kind, with any names and values in them. */
  readonly any: fc.Arbitrary<string>;
}

const word = fc.constantFrom(
  ...['a', 'b', 'b-1', 'b-2', 'c', 'web-1', '192.0.2.1', '192.0.2.2', '2001:db8::1', 'ops', 'none', '.', '..', '-x'],
  ...['web-[1-3]', 'a,b', 'é', 'x'.repeat(300), '<&">', '--', '~/k', '~bob/k', '/k', 'a b', '22', '0', '99999', ''],
  ...['\u0001', '\ufffe', '\ud800', '{{ x }}', '%r', 'ssh://b', 'ops@b', 'ops@b:2222', 'a@b@c', 'b,c', '*', '!a', '#'],
);
const text = fc.oneof(word, fc.string({ maxLength: 12, unit: 'grapheme' }));
const names = fc.uniqueArray(fc.oneof(fc.constantFrom('a', 'b', 'b-1', 'b-2', 'c', 'd'), text), {
  minLength: 1,
  maxLength: 6,
});
const command = fc.constantFrom(
  ...['ssh -W %h:%p b', 'ssh -i /k -W %h:%p b', 'ssh -i /l -W %h:%p b', 'ssh -i /k -J a -W %h:%p c', 'nc %h %p'],
  ...['ssh -i ~bob/k -W %h:%p b', 'ssh -i /k -W %h:%p a', 'ssh -i /k -W %h:%p b[1-3]', 'none'],
);
const args = fc.oneof(
  command.map((value) => `-o ProxyCommand="${value}"`),
  word.map((value) => `-J ${value}`),
  word.map((value) => `-o User=${value}`),
);

const ansibleText = names.chain((hosts) => {
  const variables = fc.record(
    {
      ...{ ansible_host: text, ansible_port: fc.oneof(word, fc.integer()), ansible_user: text },
      ...{ ansible_private_key_file: text, ansible_ssh_common_args: args, ansible_become: fc.boolean() },
    },
    { requiredKeys: [] },
  );
  return fc
    .tuple(fc.array(variables, { minLength: hosts.length, maxLength: hosts.length }), text, fc.subarray(hosts))
    .map(([values, group, members]) =>
      JSON.stringify({
        _meta: { hostvars: Object.fromEntries(hosts.map((name, at) => [name, values[at]])) },
        ...{ all: { children: ['g', group] }, g: { children: ['h'] }, [group]: { hosts: members }, h: { hosts } },
      }),
    );
});

const remote = fc.oneof(
  fc.constantFrom('/bin/x', '~/bin/x', 'x', './x', 'x | y', '"x', 'x '.repeat(200), `/bin/x ${'y'.repeat(30_000)}`),
  text,
);
const nagiosText = fc
  .tuple(names, fc.array(fc.tuple(text, remote), { maxLength: 8 }), fc.boolean())
  .map(([hosts, services, isMany]) =>
    [
      'define command {\n  command_name c\n  command_line /p/check_by_ssh -H $HOSTADDRESS$ -C "$ARG1$"\n}',
      ...hosts.map((name) => `define host {\n  host_name ${name}\n  address 192.0.2.1\n}`),
      ...times(isMany ? 9 : 1, () => services)
        .flat()
        .map(
          ([description, program]) =>
            `define service {\n  host_name ${hosts[0] ?? ''}\n  service_description ${description}\n  check_command c!${program}\n}`,
        ),
    ].join('\n'),
  );

const csvText = fc
  .array(fc.array(text, { minLength: 7, maxLength: 7 }), { minLength: 1, maxLength: 6 })
  .map((rows) =>
    [['name', 'ip', 'port', 'username', 'privateKey', 'proxyJump', 'group'], ...rows]
      .map((row) => row.map((field) => `"${field.replaceAll('"', '""')}"`).join(','))
      .join('\n'),
  );

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
const knownHostsText = fc
  .array(fc.array(text, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 })
  .map((lines) => lines.map((line) => `${line.join(',')} ${key}`).join('\n'));

const pattooText = fc
  .array(fc.record({ ip_address: text, ip_bind_port: fc.oneof(word, fc.integer()) }, { requiredKeys: [] }))
  .map((devices) => JSON.stringify({ 'pattoo-os-hubd': { ip_devices: devices } }));

const sshConfigText = names.chain((hosts) =>
  fc
    .array(
      fc.oneof(
        command.map((value) => `ProxyCommand ${value}`),
        ...['HostName', 'User', 'Port', 'IdentityFile', 'ProxyJump', 'KexAlgorithms'].map((option) =>
          text.map((value) => `${option} ${value}`),
        ),
      ),
      { maxLength: 8 },
    )
    .map((options) => hosts.map((name, at) => [`Host ${name}`, ...options.slice(at)].join('\n  ')).join('\n')),
);

const hostsText = fc
  .array(fc.tuple(word, fc.array(text, { maxLength: 3 })), { minLength: 1, maxLength: 6 })
  .map((lines) => lines.map(([address, some]) => [address, ...some].join(' ')).join('\n'));

const prometheusText = fc
  .array(
    fc.record({
      targets: fc.array(
        fc.oneof(
          text,
          word.map((host) => `${host}:9100`),
        ),
        { maxLength: 4 },
      ),
      labels: fc.dictionary(fc.oneof(fc.constantFrom('env', '__meta_netbox_name', 'instance', 'a-b'), text), text),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((groups) => JSON.stringify(groups));

const prometheus: SampleList = { valid: '- targets: [web-1:9100]\n  labels:\n    env: prod\n', any: prometheusText };

export const sampleLists: Readonly<Record<ImportKind, SampleList>> = {
  ansible: { valid: '{\n"_meta": {"hostvars": {"web": {}}},\n"all": {"hosts": ["web"]}\n}\n', any: ansibleText },
  nagios: { valid: 'define host {\n host_name web\n address 192.0.2.1\n}\n', any: nagiosText },
  'ssh-config': {
    valid: 'Host web\n User ops\n IdentityFile ~/.ssh/x\nMatch host db\n Port 22\nInclude none\nHost *\n ProxyJump a\n',
    any: sshConfigText,
  },
  'known-hosts': {
    valid: `web-1 ssh-ed25519 ${Buffer.alloc(51).toString('base64')}\n@revoked * ssh-rsa AAAA\n|1|a|b x y\n`,
    any: knownHostsText,
  },
  csv: { valid: 'name,ip,owner\nweb-1,192.0.2.1,x\n"web-2",192.0.2.2,"y"\n', any: csvText },
  hosts: { valid: '192.0.2.1 web-1\n192.0.2.2 web-2 db\n::1 me\n', any: hostsText },
  'http-sd': prometheus,
  prometheus,
  pattoo: {
    valid: 'pattoo-os-hubd:\n  ip_devices:\n    - ip_address: 192.0.2.1\n      ip_bind_port: 5000\nmain:\n  x: 1\n',
    any: pattooText,
  },
};
