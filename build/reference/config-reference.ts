/**
 * The reference of config.xml, from its vocabulary: the content of docs/config.md and fleet-health-config(5), without
 * their forms.
 */
import type { KindName } from '../../src/config/vocabulary/attribute-kinds.ts';
import type { AttributeSpec, ElementSpec } from '../../src/config/vocabulary/element-spec.ts';
import { vocabulary } from '../../src/config/vocabulary/vocabulary.ts';
import { databaseKinds } from '../../src/config/databases/kinds.ts';

/** The notation of a value of each kind. */
const forms: Readonly<Record<KindName, string>> = {
  text: 'text',
  secret: 'text',
  title: 'text',
  note: 'text',
  name: 'a name',
  checkName: 'a name',
  endpoint: '`localhost:443`, `[::1]:443`',
  pageAddress: 'a URL',
  connectTarget: '`HOST:PORT`, or a path',
  statusRanges: 'statuses',
  slowLimits: 'one or two times',
  lookedUpName: 'a name',
  nameServer: 'an address',
  serverName: 'host name',
  remoteGlob: 'an absolute path on the client, with `*` and `?`',
  remoteFolder: 'an absolute path on the client',
  metricGlobs: 'names or patterns, with commas',
  host: 'address or host name',
  greeting: 'a host name with its domain',
  jumps: 'names, with commas',
  keyExchanges: 'names, with commas',
  address: 'an address',
  networks: 'addresses and networks, with commas',
  header: 'name of a header',
  headerLine: '`Name: value`',
  labels: '`site=fra`, with commas',
  parents: 'names, with blanks',
  clientLabels: '`role=web`, with blanks',
  labelSelector: '`site=ber`, `role!=db`, with commas',
  word: 'a name',
  port: 'a number',
  count: 'a number',
  many: 'a number, or 0',
  need: 'a number of members, or a share of them: 6, 75%',
  duration: '`90s`, `5m`, `4h`, `30d`, `1h30m`',
  span: '`15m`, or rows: `2x`',
  size: '`500MiB`, `20GiB`',
  level: '`85%`, `20GiB`, `15m`, `3`',
  email: 'an address',
  emails: 'addresses, with commas',
  sender: 'address, or name and address',
  path: 'a path',
  remotePath: 'an absolute path on the client',
  variable: 'name of a variable',
  globs: 'names or patterns, with commas; `!` excludes',
  families: 'some of `client`, `alerts`, `self`, `disk`, `network`, with commas',
  chance: '`0.02`',
  zone: '`Europe/Berlin`',
  date: '`2026-12-24`',
  moment: '`2026-12-01 06:00`',
  days: '`sun`, `mon-fri,sun`, `2nd tue`, `last fri`, `1`, `15-21`, `last`',
  hours: '`mon-fri 08:00-18:00`',
  clock: '`02:00`',
  url: 'a web address',
  proxy: '`none`; `http://proxy:3128`, `http://name:password@proxy:3128`, `https://proxy`',
  pageUrl: 'a web address',
  forwardUrl: '`https://hq.example.org:5151/v1/visit`',
  spokeUrl: '`http://web-1:5000/`, `https://web-1/spoke/`',
  urls: 'web addresses, with commas',
  imap: '`imaps://fleet@imap.example.org/INBOX`',
  storage: databaseKinds.map(({ urlForm }) => `\`${urlForm}\``).join(', '),
};

/** An element of the reference. Its texts are Markdown. */
export interface ElementReference {
  readonly name: string;
  /** The use and the place of the element. */
  readonly help: string;
  readonly notes: readonly string[];
  readonly example: string | null;
  readonly attributes: readonly AttributeReference[];
  /** True if the element has every attribute of `<ssh>` as well, which are not listed again. */
  readonly takesSsh: boolean;
}

export interface AttributeReference {
  readonly name: string;
  readonly isRequired: boolean;
  readonly values: string;
  readonly help: string;
}

/** Returns every element, in the order of the vocabulary. */
export function configReference(): readonly ElementReference[] {
  return Object.entries(vocabulary).map(([name, element]) => elementReference(name, element));
}

function elementReference(name: string, { parents, attributes, help, single, since }: ElementSpec): ElementReference {
  const place = parents.length === 0 ? 'The root.' : `In ${parents.map((one) => `\`<${one}>\``).join(', ')}.`;
  const takesSsh = name !== 'ssh' && 'username' in attributes && 'hostKeys' in attributes;
  const ofSsh = takesSsh ? (vocabulary['ssh']?.attributes ?? {}) : {};
  return {
    name,
    help: `${help} ${place}${single === true ? ' At most one.' : ''}${sinceWords(since)}`,
    notes: notes[name] ?? [],
    example: examples[name] ?? null,
    attributes: Object.entries(attributes)
      .filter(([one]) => !(one in ofSsh))
      .map(([one, spec]) => ({
        name: one,
        isRequired: spec.required === true,
        values: values(spec),
        help: spec.help + sinceWords(spec.since),
      })),
    takesSsh,
  };
}

function sinceWords(since: string | undefined): string {
  return since === undefined ? '' : ` Since ${since}.`;
}

function values({ kind, words = [] }: AttributeSpec): string {
  const listed = words.map((word) => `\`${word}\``);
  return [...listed, ...(kind === undefined ? [] : [forms[kind]])].join('; ');
}

/** An example of each element. A test parses each inside an element that may contain it. */
export const examples: Readonly<Record<string, string>> = {
  config: '<config labels="env=prod"><client name="web-1" ip="192.0.2.10"/></config>',
  state: '<state dir="/srv/fleet-health"/>',
  storage: '<storage url="mysql://fleet@db.example.org/fleet" passwordFile="db.password"/>',
  retention: '<retention raw="30d" detail="2d" logs="30d" hourly="1y" daily="5y"/>',
  smtp: '<smtp host="mail.example.org" username="fleet" passwordFile="smtp.password" fallback="root@example.org"/>',
  canary: '<canary to="oncall-canary@example.org" every="1d" at="04:10"/>',
  replies: '<replies imap="imaps://fleet@imap.example.org/INBOX" passwordFile="imap.password"/>',
  notify: '<notify command="/usr/local/bin/page" severity="critical" rules="disk,unreachable"/>',
  alertmanager: '<alertmanager url="http://am-1:9093,http://am-2:9093" labels="site=fra"/>',
  heartbeat: '<heartbeat url="https://monitor.example.org/ping/fleet"/>',
  metrics:
    '<metrics textfile="/var/lib/prometheus/node-exporter/fleet-health.prom" families="client,alerts,self,disk"/>',
  collector: '<collector every="5m" concurrency="128" agentTimeout="15s"/>',
  forward: '<forward url="https://hq.example.org:5151/v1/visit" key="fra.json"/>',
  serve:
    '<serve socket="/run/fleet-health/serve.sock"><look/><events udp="no"/><option name="site" value="fra"/></serve>',
  look: '<look/>',
  events: '<events from="192.0.2.0/24,2001:db8::/32" maxPerMinute="120"/>',
  option: '<option name="contact"><option name="mail" value="ops@example.org"/></option>',
  ping: '<ping command="/usr/local/bin/is-disk-writable"/>',
  status: '<status command="/usr/local/bin/site-facts" timeout="10s"/>',
  push: '<push/>',
  ssh: '<ssh username="monitor" privateKey="~/.ssh/id_ed25519"/>',
  alerts: '<alerts mail="ops@example.org" repeat="1d" zone="Europe/Berlin"/>',
  mail: '<mail to="office@example.org" severity="critical" hours="mon-fri 08:00-18:00"/>',
  webhook: '<webhook name="chat" urlFile="chat.url" format="text" severity="critical"/>',
  digest: '<digest to="office@example.org" at="08:00" days="mon" attach="report"/>',
  alert: '<alert type="disk" mount="/backup,/archive*" limit="98%" free="500GiB" note="Old ones may go."/>',
  window: '<window date="2026-12-24" start="18:00" duration="12h"/>',
  check: '<check name="mailq" command="/usr/lib/nagios/plugins/check_mailq -w 50 -c 200" every="5m"/>',
  certificate: '<certificate name="shop" connect="localhost:443" servername="shop.example.org" warning="30d"/>',
  http: '<http name="shop" url="https://shop.example.org/" contains="Basket" slow="1s,5s"/>',
  tcp: '<tcp name="mail" connect="localhost:25" expect="220"/>',
  dns: '<dns name="shop" host="shop.example.org" expect="192.0.2.80"/>',
  textfile: '<textfile dir="/var/lib/prometheus/node-exporter" metrics="smartctl_*"/>',
  bastion: '<bastion name="jump-1" ip="192.0.2.1" username="jump"/>',
  group: '<group name="web" proxyJump="jump-1"><client ip="web-[01-08]"/></group>',
  client: '<client name="db-1" ip="192.0.2.9" port="2222" mail="dba@example.org"/>',
  include: '<include file="clients.d/*.xml"/>',
};

/** The facts that the table omits. */
const notes: Readonly<Record<string, readonly string[]>> = {
  alert: [
    'One of `type` and `metric` says what is evaluated ([metrics.md](metrics.md) lists the metrics;',
    '[alerts.md](alerts.md) says which rule applies, and what the defaults are). A limit has the unit of its',
    'type: `load` is per CPU, so that 2 means twice as much work as there are processors; `temperature` is in degrees',
    'Celsius, and `sensor` selects by the name that a report has. `also="yes"` lets a rule apply beside others of its',
    'type: `<alert type="disk" mount="/backup" limit="99%" also="yes"/>`.',
  ],
  check: [
    'It runs as a line of a conf file on the client does ([checks.md](checks.md)), where of two checks with a name the',
    "client's own runs. A client has at most 50, and a request has room for 3,100 bytes of them.",
  ],
  collector: [
    'The deadlines lie in one another: `tcpTimeout` within `connectTimeout`, that and `agentTimeout` within',
    '`clientDeadline`. Raise `agentTimeout` for machines whose mounts or service manager answer slowly.',
  ],
  window: [
    'Recipients are notified before a window of what began before it, and at its end of what still holds then.',
    '`date` is one day, `days` are days of each week or month, and a window may go past midnight.',
  ],
};
