// Second tier: starts the built program for each list.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { FleetError } from '../../../src/platform/errors/errors.ts';
import { clientsXml } from '../../../src/cli/import/clients-xml.ts';
import { type ImportKind, importKinds } from '../../../src/cli/import/import-kinds.ts';
import { likenessOf } from '../../../src/cli/import/likeness.ts';
import { isWide } from '../../support/long-tests.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { packageDir } from '../../../src/state-folder/paths.ts';
import { pluck } from '../../support/pluck.ts';
import { times } from '../../support/times.ts';
import { importList } from './support/import-list.ts';

function imported(kind: ImportKind, text: string, file: string | null = null) {
  const { hosts, skipped } = importList(kind, { file, text });
  return { xml: clientsXml(hosts), skipped: skipped.map(({ where, why }) => `${where}: ${why}`) };
}

const inventory = (hostvars: object, groups: object): string => JSON.stringify({ _meta: { hostvars }, ...groups });
const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
const [otherKey, thirdKey] = ['a', 'b'].map((byte) => {
  const blob = Buffer.from(hostKey.split(' ')[1] ?? '', 'base64').fill(byte, 19);
  return `ssh-ed25519 ${blob.toString('base64')}`;
});
const ends = (host: object): string =>
  inventory({ a: host }, { all: { children: ['ungrouped'] }, ungrouped: { hosts: ['a'] } });

const lists: readonly (readonly [
  what: string,
  kind: ImportKind,
  text: string,
  xml: string,
  skipped: readonly string[],
])[] = [
  [
    'a table with titles of other programs',
    'csv',
    'Host Name;IP-Address;SSH Port;User;Key;Jump;Group\nweb-1;192.0.2.1;2222;ops;~/.ssh/ops;jump-1;berlin/web\n',
    `<group name="berlin">
  <group name="web">
    <client name="web-1" ip="192.0.2.1" port="2222" username="ops" privateKey="~/.ssh/ops" proxyJump="jump-1"/>
  </group>
</group>
`,
    [],
  ],
  [
    'a table with titles of programs and of other languages, empty columns, and a comma in a title',
    'csv',
    '\ufeffRôle;Name, kurz;Gerät;Primary IPv4;Gruppe;\r\nx;y;web-1;192.0.2.1/24;Süd;\r\n',
    '<group name="Süd">\n  <client name="web-1" ip="192.0.2.1"/>\n</group>\n',
    ['line 1: columns that are not read: 1, 2'],
  ],
  [
    'a table with words for a value that there is not, and ports of other services',
    'csv',
    'name,ip,port,group\nweb-1,DHCP,161,N/A\nweb-2,-,10050,none\nweb-3,192.0.2.3,443,#N/A\nnone,unknown,22,eu\n',
    `<client name="web-1"/>
<client name="web-2"/>
<client name="web-3" ip="192.0.2.3" port="443"/>
<group name="eu">
  <client name="none" port="22"/>
</group>
`,
    [
      'line 2: port 161 is that of SNMP, not of SSH: it is not taken',
      'line 3: port 10050 is that of Zabbix, not of SSH: it is not taken',
    ],
  ],
  [
    'a table with a usual title behind one of another program, and bars between fields',
    'csv',
    'device|name\nrouter|web-1\n',
    '<client name="web-1"/>\n',
    ['line 1: columns that are not read: 1'],
  ],
  [
    'a table with addresses under an unknown title',
    'csv',
    'name,where,more\nweb-1,192.0.2.1,\nweb-2,,x\nweb-3,2001:db8::3/64,\n',
    '<client name="web-1"/>\n<client name="web-2"/>\n<client name="web-3"/>\n',
    [
      'line 1: columns that are not read: 2, 3',
      'line 1: column 2 has addresses, under a title that is not known: call it ip',
    ],
  ],
  [
    'the hosts file of macOS, mapped addresses, and sinks for advertisers',
    'hosts',
    `127.0.0.1\tlocalhost
255.255.255.255\tbroadcasthost
::1 localhost
fe80::1%lo0\tlocalhost
::ffff:127.0.0.1 mapped
0.0.0.0 0.0.0.0
:: ads.example
0:0:0:0:0:0:0:0 ads.example
fe80::2 near-2
::ffff:192.0.2.9 web-9
192.0.2.8 localhost.example.org
`,
    `<client name="web-9" ip="::ffff:192.0.2.9"/>
<client name="localhost.example.org" ip="192.0.2.8"/>
`,
    [
      'line 9: fe80::2 is a link-local address, which names no interface',
      'an address of no other machine: not taken from localhost, broadcasthost, mapped and 2 more',
    ],
  ],
  [
    'services of NetBox, which have their own names beside those of their machines',
    'http-sd',
    JSON.stringify(
      ['web-1', 'web-2'].map((parent, index) => ({
        targets: [parent],
        labels: {
          __meta_netbox_name: 'node',
          __meta_netbox_parent: parent,
          __meta_netbox_primary_ip4: `192.0.2.${index}`,
        },
      })),
    ),
    '<client name="web-1" ip="192.0.2.0"/>\n<client name="web-2" ip="192.0.2.1"/>\n',
    [],
  ],
  [
    'the configuration of Prometheus itself',
    'prometheus',
    `global: {}
scrape_configs:
  - job_name: node
    static_configs:
      - targets: [web-1, web-2]
        labels: {env: prod}
    file_sd_configs: [{files: [x.yml]}]
  - job_name: other
    static_configs: none
  - job_name: pages
    static_configs: [{targets: ['https://example.org']}]
    relabel_configs: [{source_labels: [__address__], target_label: __param_target}]
  - job_name: banners
    static_configs: [{targets: ['web-3:22']}]
`,
    '<client name="web-1" labels="env=prod"/>\n<client name="web-2" labels="env=prod"/>\n<client name="web-3"/>\n',
    [
      'job 1: file_sd_configs are not followed; import what they name, or the answer of /api/v1/targets',
      'job 3: an exporter asks its targets, such as pages and switches: import them as a list of their own',
    ],
  ],
  [
    'an answer of Prometheus about its targets',
    'prometheus',
    JSON.stringify({
      status: 'success',
      data: {
        activeTargets: [
          {
            discoveredLabels: { __address__: '192.0.2.1:9100', __scheme__: 'http', __meta_ec2_tag_Name: 'web-1' },
            labels: { instance: 'x' },
          },
          { discoveredLabels: { __address__: 'web-2', job: 'node' } },
          {},
        ],
        droppedTargets: [],
      },
    }),
    '<client name="web-1" ip="192.0.2.1"/>\n<client name="web-2" labels="job=node"/>\n',
    ['group 3, target 1: it is no HOST:PORT', 'port 9100, which is not that of SSH: not taken from web-1'],
  ],
  [
    'the machines that a hub of pattoo-os polls',
    'pattoo',
    `pattoo-os-hubd:
    ip_devices:
      - ip_address: 127.0.0.1
        ip_bind_port: 5000
      - ip_address: 2001:db8::7
        bind_port: 5001
      - ip_bind_port: 5000
      - ip_address: web-1
        ip_bind_port: 70000
pattoo-os-spoked:
    listen_address: 0.0.0.0
    ip_bind_port: 5000
main:
    log_directory: /tmp
`,
    `<client name="127.0.0.1" transport="http" url="http://127.0.0.1:5000/"/>
<client name="2001:db8::7:5001" ip="2001:db8::7" transport="http" url="http://[2001:db8::7]:5001/"/>
`,
    [
      'pattoo-os-hubd.ip_devices[2]: no ip_address, or no port from 1 to 65535',
      'pattoo-os-hubd.ip_devices[3]: no ip_address, or no port from 1 to 65535',
      'pattoo-os-spoked: is not of the collector; write into agent.json of that machine: ' +
        '{"spoke":{"listen_address":"0.0.0.0","ip_bind_port":5000}}',
      'section 3: config.xml has no words for it',
    ],
  ],
  [
    'lines that cannot be clients',
    'csv',
    'name,ip,port,colour\n,192.0.2.9,,\n,,,\nweb-1,,22,\nweb-1,,,\n"a,b",192.0.2.2,,\nc,not a ' +
      'host,,\nd,,99999,\n"e\u0001",192.0.2.3,,\nweb-[1-3],,,\n',
    '<client name="192.0.2.9"/>\n<client name="web-1" port="22"/>\n',
    [
      'line 1: columns that are not read: 4',
      'line 3: neither a name nor an address',
      'line 5: a second web-1; the first was taken',
      'line 6: its name cannot be a name; *, ? and , would make it a pattern',
      'line 7: its ip is no IP address or host name; letters, digits, dots and hyphens make one',
      'line 8: its port must be a whole number from 1 to 65535',
      'line 9: its name holds control characters',
      'line 10: its name would be a range of machines',
    ],
  ],
  [
    'quotes, markup and a byte order mark',
    'csv',
    '\ufeffname\tip\r\n"<b>""&amp;"\t192.0.2.1\r\n',
    '<client name="&lt;b&gt;&quot;&amp;amp;" ip="192.0.2.1"/>\n',
    [],
  ],
  [
    'the first line and the addresses of a spreadsheet',
    'csv',
    '\ufeffsep=;\r\nname;address\r\nweb-1;192.0.2.1/24\r\nnet;192.0.2.0/24\r\np2p;192.0.2.4/31\r\nsix;2001:db8::7/64\r\n;10.0.0.9/8\r\n',
    `<client name="web-1" ip="192.0.2.1"/>
<client name="p2p" ip="192.0.2.4"/>
<client name="six" ip="2001:db8::7"/>
<client name="10.0.0.9"/>
`,
    ['line 4: its ip is a network; write one address, or a range such as 192.0.2.[1-254]'],
  ],
  [
    'a hosts file',
    'hosts',
    `127.0.0.1 localhost
127.0.1.1 col-1.example.org col-1
::1 ip6-localhost ip6-loopback
ff02::1 ip6-allnodes
0.0.0.0 ads.example
192.0.2.1\tweb-1.example.org web-1 www # the first
2001:db8::2 db-1
192.0.2.1 shop
fe80::1%eth0 near-1
web-2
`,
    `<client name="web-1.example.org" ip="192.0.2.1"/>
<client name="db-1" ip="2001:db8::2"/>
<client name="near-1" ip="fe80::1%eth0"/>
`,
    [
      'line 10: it is no address with a name',
      'an address of no other machine: not taken from localhost, col-1.example.org, ip6-localhost and 2 more',
      'further names: not taken from web-1.example.org',
    ],
  ],
  [
    'targets of Prometheus, as files and servers give them',
    'prometheus',
    JSON.stringify([
      {
        targets: ['web-1:9100', 'web-1:9113', '[2001:db8::7]:9100'],
        labels: { env: 'prod', job: 'node', 'a b': 'x', __x: 'y' },
      },
      { targets: ['192.0.2.9:9100'], labels: { __meta_netbox_name: 'db-1', note: 'two words' }, more: 1 },
      { targets: ['db-2'], labels: { __meta_netbox_primary_ip4: '192.0.2.8/24' } },
      { targets: 'web-3' },
      { targets: [7, 'http://web-4:8080/metrics'] },
      { targets: ['fd00::1:9991', 'http://fd00::2:10050/metrics', '2001:db8::9'] },
    ]),
    `<client name="web-1" labels="env=prod job=node"/>
<client name="2001:db8::7" labels="env=prod job=node"/>
<client name="db-1" ip="192.0.2.9"/>
<client name="db-2" ip="192.0.2.8"/>
<client name="web-4"/>
<client name="2001:db8::9"/>
`,
    [
      'group 4: it has no list of targets',
      'group 5, target 1: it is no HOST:PORT',
      'group 6, target 1: an IPv6 address with a port has brackets: [fd00::1]:9991',
      'group 6, target 2: an IPv6 address with a port has brackets: [fd00::2]:10050',
      'port 9100, which is not that of SSH: not taken from web-1, 2001:db8::7, db-1',
      'label that is no word: not taken from web-1, 2001:db8::7',
      'label __x: not taken from web-1, 2001:db8::7',
      'port 9113, which is not that of SSH: not taken from web-1',
      'key more: not taken from group 2',
      'label note: not taken from db-1',
      'port 8080, which is not that of SSH: not taken from web-4',
    ],
  ],
  [
    'targets of Prometheus in YAML',
    'prometheus',
    '- targets: [web-1:9100]\n  labels:\n    site: ber\n',
    '<client name="web-1" labels="site=ber"/>\n',
    ['port 9100, which is not that of SSH: not taken from web-1'],
  ],
  [
    'an inventory script without `_meta`, whose groups are lists or have variables',
    'ansible',
    JSON.stringify({
      web: ['web-1', 'web-2'],
      prod: { children: ['web'], vars: { ansible_user: 'ops', ansible_port: 22 } },
      all: { vars: { ansible_user: 'root', ansible_ssh_private_key_file: '/k' } },
    }),
    `<group name="prod" port="22" username="ops" privateKey="/k">
  <group name="web">
    <client name="web-1"/>
    <client name="web-2"/>
  </group>
</group>
`,
    ['_meta: it is missing, and with it the variables that a script prints for --host'],
  ],
  [
    'a script that gives hosts with their variables in the place of groups',
    'ansible',
    JSON.stringify({
      'db-1': { ansible_host: '192.0.2.9' },
      'web-1': { ansible_ssh_host: '192.0.2.1', ansible_user: 'www' },
      web: { hosts: ['web-1', 'web-2'] },
      empty: {},
    }),
    `<client name="db-1" ip="192.0.2.9"/>
<group name="web">
  <client name="web-1" ip="192.0.2.1" username="www"/>
  <client name="web-2"/>
</group>
`,
    [],
  ],
  [
    'an inventory in JSON as Ansible has it in YAML',
    'ansible',
    JSON.stringify({
      all: {
        hosts: { 'db-1': { ansible_host: '192.0.2.9' } },
        children: { web: { hosts: { 'web-1': null }, vars: { ansible_user: 'www' }, colour: 1 } },
      },
    }),
    `<client name="db-1" ip="192.0.2.9"/>
<group name="web">
  <client name="web-1" username="www"/>
</group>
`,
    ['key colour: not taken from group web'],
  ],
  [
    'hosts of a flat inventory stand in the smallest of their groups',
    'ansible',
    inventory({}, { a_all: { hosts: ['x', 'y', 'z'] }, berlin: { hosts: ['x', 'y'] }, web: { hosts: ['x'] } }),
    `<group name="web">
  <client name="x"/>
</group>
<group name="berlin">
  <client name="y"/>
</group>
<group name="a_all">
  <client name="z"/>
</group>
`,
    [
      'group berlin: 1 host of it are in another group here; a client has one',
      'group a_all: 2 hosts of it are in another group here; a client has one',
    ],
  ],
  [
    'groups of Ansible that form a tree, and what they have in common',
    'ansible',
    inventory(
      {
        'web-1': { ansible_host: '192.0.2.1', ansible_user: 'ops', ansible_port: 22 },
        'web-2': { ansible_host: '192.0.2.2', ansible_user: 'ops', ansible_port: 2222 },
        'db-1': { ansible_user: 'ops', ansible_ssh_common_args: '-o ProxyCommand="ssh -W %h:%p -q jump@bastion"' },
      },
      {
        all: { children: ['ungrouped', 'prod', 'ber'] },
        prod: { children: ['web', 'db'] },
        web: { hosts: ['web-1', 'web-2'] },
        db: { hosts: ['db-1'] },
        ber: { hosts: ['web-1', 'other'] },
      },
    ),
    `<group name="prod" username="ops">
  <group name="web">
    <client name="web-1" ip="192.0.2.1" port="22"/>
    <client name="web-2" ip="192.0.2.2" port="2222"/>
  </group>
  <group name="db">
    <client name="db-1" proxyJump="jump@bastion"/>
  </group>
</group>
<group name="ber">
  <client name="other"/>
</group>
`,
    [
      'option -q of a ProxyCommand: not taken from db-1',
      'group ber: 1 host of it are in another group here; a client has one',
    ],
  ],
  [
    'a group of Ansible with two parents',
    'ansible',
    inventory(
      { 'web-1': {} },
      {
        all: { children: ['ber', 'web'] },
        ber: { children: ['ber_web'] },
        web: { children: ['ber_web'] },
        ber_web: { hosts: ['web-1'] },
      },
    ),
    '<group name="ber">\n  <group name="ber_web">\n    <client name="web-1"/>\n  </group>\n</group>\n',
    ['group web: without ber_web here: a group stands in one; labels can say what such groups have in common'],
  ],
  [
    'a jump as -J',
    'ansible',
    ends({ ansible_ssh_extra_args: '-J j1,j2' }),
    '<client name="a" proxyJump="j1,j2"/>\n',
    [],
  ],
  [
    'a jump as an option',
    'ansible',
    ends({ ansible_ssh_common_args: '-C -oProxyJump=ops@j:2222' }),
    '<client name="a" proxyJump="ops@j:2222"/>\n',
    ['option -C of ssh: not taken from a'],
  ],
  [
    'a way that has no words in config.xml',
    'ansible',
    ends({ ansible_ssh_common_args: '-o ProxyCommand="corkscrew --x proxy 80 %h %p"' }),
    '',
    ['host a: its ProxyCommand (corkscrew ...) has no words in config.xml; name a <bastion> as proxyJump'],
  ],
  [
    'what is not SSH',
    'ansible',
    ends({ ansible_connection: 'winrm' }),
    '',
    ['host a: it is reached by winrm, not by SSH'],
  ],
  [
    'a template',
    'ansible',
    ends({ ansible_host: '{{ x }}' }),
    '',
    ['host a: ansible_host is a template, which only Ansible fills in'],
  ],
  [
    'groups that hold each other',
    'ansible',
    inventory({ a: {} }, { x: { children: ['y'] }, y: { children: ['x'], hosts: ['a'] } }),
    '<group name="x">\n  <group name="y">\n    <client name="a"/>\n  </group>\n</group>\n',
    [],
  ],
  [
    'lines of known_hosts',
    'known-hosts',
    `# mine\nweb-1,192.0.2.1 ${hostKey}\nweb-1 ${hostKey}\n[db]:2222 ` +
      `${hostKey}\n|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ${hostKey}\n*.x ` +
      `${hostKey}\n@cert-authority z ${hostKey}\nweb-9 ssh-ed25519 AAAA\n`,
    '<client name="web-1" ip="192.0.2.1"/>\n<client name="db:2222" ip="db" port="2222"/>\n',
    [
      'line 5: the name is hashed; nobody can read it',
      'line 6: a pattern names no single machine',
      'line 7: a line of @cert-authority names no single machine',
      'line 8: the key is damaged, or not of its type',
    ],
  ],
  [
    'several lines of one machine in known_hosts',
    'known-hosts',
    `192.0.2.1 ${hostKey}\nweb-1 ${hostKey}\nweb-1.example.org ${hostKey}\n[192.0.2.1]:2222 ${otherKey}\n` +
      `[web-1]:2222 ${otherKey}\n192.0.2.7 ${thirdKey}\nlb-1 ${thirdKey}\nlb-2 ${thirdKey}\n`,
    `<client name="web-1" ip="192.0.2.1"/>
<client name="web-1:2222" ip="192.0.2.1" port="2222"/>
<client name="192.0.2.7"/>
<client name="lb-1"/>
<client name="lb-2"/>
`,
    ['line 3: a further name of web-1, not taken'],
  ],
  [
    'the objects of Nagios',
    'nagios',
    `define command {
	command_name	by_ssh
	command_line	/p/check_by_ssh -H $HOSTADDRESS$ -C '/p/check_disk -w $ARG1$ -p "/a b"'
	}
define command {
	command_name	nrpe
	command_line	/p/check_nrpe -H $HOSTADDRESS$ -c $ARG1$
	}
define hostgroup {
	hostgroup_name	dbs
	members	db-1,db-2
	}
define host {
	host_name	db-1
	address	192.0.2.9
	parents	switch,old router
	}
define service {
	host_name	db-1
	service_description	Root (disk)
	check_command	by_ssh!20%
	}
define service {
	host_name	db-1
	service_description	Load
	check_command	nrpe!check_load
	}
define service {
	host_name	db-1
	service_description	Web
	check_command	check_http
	}
`,
    `<group name="dbs">
  <client name="db-1" ip="192.0.2.9" on="switch, old router,">
    <!-- service Load: nrpe!check_load (the client's include-nrpe runs it) -->
    <!-- service Web: check_http -->
    <check name="Root _disk_" command="/p/check_disk -w 20% -p &quot;/a b&quot;"/>
  </client>
</group>
`,
    [],
  ],
];

for (const [what, kind, text, xml, skipped] of lists) {
  test(`import ${kind}: ${what}`, () => {
    assert.deepEqual(imported(kind, text), { xml, skipped });
  });
}

test('import ssh-config: hosts of the file and of its includes, with what ssh would use', (t) => {
  const folder = tempFolder(t);
  const file = path.join(folder, 'config');
  const more = path.join(folder, 'more');
  writeFileSync(more, 'Host db-1\n  HostName 192.0.2.9\n  IdentityFile /keys/db\n', { mode: 0o600 });
  const text =
    `Include ${more}\nHost web-1 web-2.example.org *.x !y\n  Port 2222\n  ProxyJump db-1\nHost old\n  ` +
    `ProxyCommand nc %h %p\nHost *\n  User ops\n`;
  writeFileSync(file, text, { mode: 0o600 });
  assert.deepEqual(imported('ssh-config', text, file), {
    xml: `<client name="db-1" ip="192.0.2.9" username="ops" privateKey="/keys/db"/>
<client name="web-1" port="2222" username="ops" proxyJump="db-1"/>
<client name="web-2.example.org" port="2222" username="ops" proxyJump="db-1"/>
`,
    skipped: ['Host old: its ProxyCommand (nc ...) has no words in config.xml; name a <bastion> as proxyJump'],
  });
});

const noLists: readonly (readonly [kind: ImportKind, text: string, says: RegExp])[] = [
  ['csv', '', /there is no line in it/],
  ['csv', 'a,b\nweb-1,2\n', /names no column `name` or `ip`/],
  ['csv', 'name\n"web', /it is no table: line 2 cannot be read/],
  ['ansible', '[web]\nweb-1\n', /it is no JSON/],
  ['ansible', '{"web": 1}', /it is no inventory of Ansible/],
  ['ansible', '[]', /it is no inventory of Ansible/],
  ['ansible', '{"name": "web", "files": ["dist", "docs"]}', /it is no inventory of Ansible/],
  ['ansible', '{"$schema": "x", "examples": ["a.yml"], "properties": {}}', /it is no inventory of Ansible/],
  ['ansible', 'null', /it is no inventory of Ansible/],
  ['prometheus', '{"targets": []}', /it is no list of targets/],
  ['prometheus', '[{', /it is no YAML/],
  ['prometheus', `${'['.repeat(100)}${']'.repeat(100)}`, /nested deeper/],
  ['nagios', 'define service {\n}\n', /no `define host`/],
  ['nagios', 'define host {\nhost_name a\naddress 192.0.2.1 ; old\n}\n', /line 1 has templates/],
  ['nagios', 'define host {\nhost_name a\n}\ndefine hostgroup {\nmembers a,\\\nb\n}\n', /line 4 has templates/],
  ['prometheus', '{"scrape_configs": 1}', /it is no list of targets/],
  ['ssh-config', 'Host a\n', /read with its includes/],
];
for (const [kind, text, says] of noLists) {
  test(`import ${kind} says that it is no such list: ${JSON.stringify(text)}`, () => {
    const isFault = (thrown: unknown): boolean =>
      thrown instanceof FleetError && thrown.code === 'import-unreadable' && says.test(thrown.message);
    assert.throws(() => importList(kind, { file: null, text }), isFault);
  });
}

/** Beginnings of texts as their programs write them, with the words for them, and the kind that reads them. */
const forms: readonly (readonly [text: string, what: string, kind: ImportKind | null])[] = [
  ['PK\u0003\u0004\u0014\u0000', 'a workbook or another zip archive', null],
  ['ÐÏ\u0011à¡±', 'a workbook of Excel 97', null],
  ['\u001f‹\b', 'a file that gzip has compressed', null],
  ['\n<!DOCTYPE html>\n<html lang="en">', 'a page for a browser', null],
  ['$ANSIBLE_VAULT;1.1;AES256\n61\n', 'a file that ansible-vault has encrypted', null],
  ['-----BEGIN OPENSSH PRIVATE KEY-----\n', 'a key or certificate', null],
  ["zabbix_export:\n  version: '7.0'\n", 'an export of Zabbix', null],
  ['{"zabbix_export":{"version":"7.0"}}', 'an export of Zabbix', null],
  ['<?xml version="1.0"?>\n<zabbix_export>', 'an export of Zabbix', null],
  ['{\n  "version": 4,\n  "terraform_version": "1.9.0",', 'the state of Terraform', null],
  ['{"ips": {"sensitive": false, "type": "string", "value": "x"}}', 'the output of Terraform', null],
  ['{"version":"1.23.0","notificationList":[],"monitorList":[]}', 'a backup of Uptime Kuma', null],
  ['{"status":"ok","devices":[{"hostname":"a"}]}', 'an answer of LibreNMS', null],
  ['{"count":1,"next":null,"results":[{"id":1}]}', 'an answer of NetBox or of a similar API', null],
  ['<?xml version="1.0"?>\n<hosts/>', 'XML', null],
  ['// x\nobject Host "web-1" {\n  address = "192.0.2.1"\n', 'a configuration of Icinga 2', null],
  ['template Host "generic-host" {\n', 'a configuration of Icinga 2', null],
  ['# x\ndefine host{\n  use generic-host\n', 'objects of Nagios', 'nagios'],
  ['log_file=/x\ncfg_dir=/etc/nagios/conf.d\n', 'the main configuration of Nagios', null],
  ["# x\nall_hosts += ['web-1']\n", 'hosts of Checkmk', null],
  ['[example.org;web-1]\n    address 192.0.2.1\n', 'munin.conf', null],
  ['global:\n  x: y\nscrape_configs:\n  - job_name: x\n', 'a configuration of Prometheus', 'http-sd'],
  ['- targets:\n    - web-1:9100\n', 'targets of Prometheus', 'http-sd'],
  ['- labels: {a: b}\n  targets: [web-1]\n', 'targets of Prometheus', 'http-sd'],
  ['[\n  {\n    "targets": ["web-1:9100"]', 'targets of Prometheus', 'http-sd'],
  ['groups:\n  - name: web\n    targets: [web-1]\n', 'an inventory of Puppet Bolt', null],
  ['web-1:\n  user: root\n  host: 192.0.2.1\n', 'a roster of Salt', null],
  ['pattoo-os-hubd:\n  ip_devices: []\n', 'pattoo.yaml', 'pattoo'],
  ['from pyinfra import host\n', 'a program in Python', null],
  ['web = [\n  "web-1",\n]\n', 'a program in Python', null],
  [`web-1 ${hostKey}\n`, 'known_hosts', 'known-hosts'],
  ['# x\nHost web-1\n  HostName 192.0.2.1\n', 'an ssh_config', 'ssh-config'],
  ['127.0.0.1\tlocalhost\n', 'a hosts file', 'hosts'],
  ['# x\n[web]\nweb-1\n', 'an inventory of Ansible', 'ansible'],
  ['[web:children] # x\nfront\n', 'an inventory of Ansible', 'ansible'],
  ['all:\n  hosts:\n    web-1:\n      ansible_host: 192.0.2.1\n', 'an inventory of Ansible', 'ansible'],
  ['{"a": 1}', 'JSON', null],
  ['Hostname;IP\nweb-1;192.0.2.1\n', 'a table', 'csv'],
];
test('a text of another kind is recognised by its form, and none of the tried kind is', () => {
  for (const [text, what, kind] of forms) {
    for (const tried of importKinds) {
      const likeness = likenessOf(text, tried);
      const isTried = kind === tried || (kind === 'http-sd' && tried === 'prometheus');
      assert.equal(likeness?.what ?? null, isTried ? null : what, `${text} as ${tried}`);
      if (likeness !== null && kind !== null) assert.ok(likeness.remedy.includes(`import ${kind} `));
    }
  }
  assert.equal(likenessOf('127.0.1.1 ansible_connection=local\n[web]\nweb-1\n', 'ansible'), null);
  for (const text of ['', 'web-1\nweb-2\n', 'hello world', '# only a comment\n'])
    assert.equal(likenessOf(text, 'csv'), null);
});

test('the form of a large text is recognised at once', () => {
  for (const unit of ['a:\n', ' ', '\n', 'web-1:\n  x: y\n', '[', 'targets: ', 'groups:\n - x', 'define ']) {
    const start = performance.now();
    likenessOf(unit.repeat(64 * 1024).slice(0, 64 * 1024), 'csv');
    assert.ok(performance.now() - start < 10_000, unit);
  }
});

const nested = (open: string, close: string, levels = 200_000): string => open.repeat(levels) + close.repeat(levels);
const chain = Object.fromEntries(times(1_000, (index) => [`g${index}`, { children: [`g${index + 1}`] }]));
const deep: readonly (readonly [what: string, kind: ImportKind, text: string])[] = [
  ['lists', 'ansible', nested('[', ']')],
  ['objects', 'ansible', `{"_meta":${nested('{"a":', '}').replace(':}', ':1}')}}`],
  ['a variable', 'ansible', `{"_meta":{"hostvars":{"a":{"ansible_connection":${nested('[', ']')}}}}}`],
  ['groups', 'ansible', JSON.stringify({ _meta: {}, ...chain })],
  ['lists of YAML', 'pattoo', nested('[', ']', 6_000)],
  ['mappings of YAML', 'pattoo', nested('{a: ', '}', 6_000)],
];
for (const [what, kind, text] of deep) {
  test(`import ${kind} says that ${what} are nested too deep`, () => {
    const isFault = (thrown: unknown): boolean => thrown instanceof FleetError && thrown.code === 'import-unreadable';
    assert.throws(() => importList(kind, { file: null, text }), isFault);
  });
}

const [manyHosts, manyGroups] = isWide ? [50_000, 500] : [5_000, 50];
test(`import reads ${manyHosts} hosts of ${manyGroups} groups`, () => {
  const names = times(manyHosts, (index) => `host-${index}`);
  const hostvars = Object.fromEntries(
    names.map((name, index) => [name, { ansible_host: `10.0.${index >> 8}.${index & 255}` }]),
  );
  const groups = Object.fromEntries(
    times(manyGroups, (group) => [`g${group}`, { hosts: names.slice(group * 100, group * 100 + 100) }]),
  );
  const { hosts, skipped } = importList('ansible', { file: null, text: inventory(hostvars, groups) });
  assert.equal(hosts.length, manyHosts);
  assert.deepEqual(skipped, []);
  assert.equal(clientsXml(hosts).match(/<client /g)?.length, manyHosts);
});

for (const text of ['- a\n- b\n', 'a: [', 'a: &a [*a, *a]\nb: *c\n', '']) {
  test(`${JSON.stringify(text)} is no configuration of pattoo-os`, () => {
    assert.throws(() => importList('pattoo', { file: null, text }), /standard input: it is no/);
  });
}

/** Forms of merge keys, and the clients of a hub that has them. */
const merged: Readonly<Record<string, readonly [devices: string, urls: readonly string[]]>> = {
  'a mapping': ['[{<<: *base}]', ['http://192.0.2.1:5001/']],
  'a mapping below an own key': ['[{<<: *base, ip_address: 192.0.2.9}]', ['http://192.0.2.9:5001/']],
  'several mappings, the first first': ['[{<<: [*other, *base]}]', ['http://192.0.2.2:5001/']],
  'a merged list': ['*list', ['http://192.0.2.1:5001/', 'http://192.0.2.7:5001/']],
};
for (const [what, [devices, urls]] of Object.entries(merged)) {
  test(`a merge key in a configuration of pattoo-os brings ${what}`, () => {
    const text = `base: &base {ip_address: 192.0.2.1, ip_bind_port: 5001}
other: &other {ip_address: 192.0.2.2}
list: &list [*base, {<<: *base, ip_address: 192.0.2.7}]
pattoo-os-hubd: {ip_devices: ${devices}}\n`;
    const { hosts, skipped } = importList('pattoo', { file: null, text });
    assert.deepEqual(pluck(hosts, 'url'), urls);
    assert.ok(skipped.every(({ where }) => /^section [123]$/.test(where)));
  });
}

for (const source of ['5', 'text', '[1]', '*no', '[*no]']) {
  test(`a merge key of ${source} is a fault that is named`, () => {
    const text = `no: &no 7\npattoo-os-hubd: {ip_devices: [{<<: ${source}}]}\n`;
    assert.throws(() => importList('pattoo', { file: null, text }), {
      code: 'import-unreadable',
      message: /merge key/,
    });
  });
}

test('every reader of src/cli/import/readers reads a kind of lists that import takes', () => {
  const folder = path.join(packageDir, 'src', 'cli', 'import');
  const registry = readFileSync(path.join(folder, 'import-kinds.ts'), 'utf8');
  const readers = readdirSync(path.join(folder, 'readers')).flatMap((name) => {
    const text = readFileSync(path.join(folder, 'readers', name), 'utf8');
    return [...text.matchAll(/^export function (read\w+)\([^)]*SourceText\)/gm)].map(([, reader = '']) => reader);
  });
  assert.ok(readers.includes('readCsv') && readers.includes('readHostsFile'));
  assert.deepEqual(
    readers.filter((reader) => !new RegExp(`\\.${reader}\\b`).test(registry)),
    [],
  );
});
