import assert from 'node:assert/strict';
import { test } from 'node:test';

import { casesOf, faults, faultsOfText } from './support/config-files.ts';

const client = '<client ip="10.0.0.1" mail="a@b"/>';

/**
 * Children of <config>, the first of which is on line 2, with their expected findings. `client` follows the children.
 */
const table = casesOf(`
# Elements and attributes.
<clinet ip="10.0.0.2"/>
  2: there is no element <clinet>; did you mean <client>?
<x/>
  2: there is no element <x>; in <config> stand <state> <storage> <retention> <smtp>
<alert type="cpu" limit="5%"/>
  2: <alert> cannot stand in <config>; it belongs in <alerts> or <group> or <client>
<group><collector/></group>
  2: <collector> cannot stand in <group>; it belongs in <config>
<config/>
  2: <config> cannot stand in <config>; it is the root of a file
<client ip="10.0.0.2" prot="23"/>
  2: <client> has no attribute prot; did you mean "port"?
<client ip="10.0.0.2" pasword="hunter2"/>
  2: <client> has no attribute pasword; did you mean "password"?
<client ip="10.0.0.2" dir="x"/>
  2: <client> has no attribute dir; it belongs to <state>
<state folder="x"/>
  2: <state> has no attribute folder; it has dir
  2: <state> lacks dir; write dir="..."
<client ip="10.0.0.2" port=""/>
  2: <client> port is empty; leave it out or write a value
<client ip="10.0.0.2" username="a&#10;b"/>
  2: <client> username has a line break or control character; remove it
<retention raw="1d"/>
<retention raw="2d"/>
  3: a second <retention>; the first is at config.xml:2, write all into one
# What serve listens on.
<serve host="0.0.0.0"><look/></serve>
  2: <serve> host="0.0.0.0" with <look/> would send tokens and figures over the network in clear; add tlsCert="FILE" tlsKey="FILE", or trustedProxies="ADDRESS" of a reverse proxy that does TLS, or remove host
<serve host="web-1"/>
  2: <serve> host="web-1" is no address; write one like ::1, 127.0.0.1 or ::
<serve tlsCert="a.pem"/>
  2: <serve> has tlsCert but no tlsKey; add tlsKey="FILE"
<serve trustedProxies="10.0.0.0/33"/>
  2: <serve> trustedProxies="10.0.0.0/33" is no list of addresses; write them like 192.0.2.7, 10.0.0.0/8 or socket
<serve url="https://example.org/status/"><look/></serve>
  2: <serve> has pages of its own at /status, so url needs another path, such as /fleet/
<serve url="https://example.org/%61lerts/fleet"><look/></serve>
  2: <serve> has pages of its own at /alerts, so url needs another path, such as /fleet/
<serve url="https://example.org//fleet/"><look/></serve>
  2: <serve> url="https://example.org//fleet/" is no address of the pages; write it like https://fleet.example.org/ or https://example.org/fleet/, without a name, a password or ?
<serve url="https://example.org/a%2Fb/"><look/></serve>
  2: <serve> url="https://example.org/a%2Fb/" is no address of the pages; write it like https://fleet.example.org/ or https://example.org/fleet/, without a name, a password or ?
<serve userHeader="X-User"/>
  2: <serve> has userHeader, which anybody could send; add trustedProxies="ADDRESS" of the proxy
<serve userHeader="X User" trustedProxies="::1"/>
  2: <serve> userHeader="X User" is no name of a header; write one like X-Remote-User
<serve auth="never"/>
  2: <serve> auth="never" is none of beyond-loopback, always
<serve><metrics textfile="a.prom"/></serve>
  2: <metrics> of <serve> has textfile; write another <metrics textfile="..."/> beside <serve>
<metrics families="client"/>
  2: <metrics> lacks textfile; write textfile="..."
<look/>
  2: <look> cannot stand in <config>; it belongs in <serve>
# Values.
<collector every="5 minutes"/>
  2: <collector> every="5 minutes" is no duration; write it like 90s, 5m, 4h, 30d or 1h30m
<collector concurrency="0"/>
  2: <collector> concurrency="0" must be a whole number from 1 to 100000
<collector perBastion="0"/>
  2: <collector> perBastion="0" must be a whole number from 1 to 100000
<collector pipelining="on"/>
  2: <collector> pipelining="on" is none of yes, no; did you mean "no"?
<ssh hostKeys="no"/>
  2: <ssh> hostKeys="no" is none of strict, accept-new
<ssh hostKeys="acceptnew"/>
  2: <ssh> hostKeys="acceptnew" is none of strict, accept-new; did you mean "accept-new"?
<ssh port="70000"/>
  2: <ssh> port="70000" must be a whole number from 1 to 65535
<ssh node="node"/>
  2: <ssh> node="node" must be an absolute path on the client, like /usr/local/bin/node
<ssh privateKey="~bob/.ssh/id"/>
  2: <ssh> privateKey="~bob/.ssh/id" names the home of another user; only ~/ is understood, write the whole path
<ssh passwordEnv="$PASSWORD"/>
  2: <ssh> passwordEnv="$PASSWORD" is no name of an environment variable; write it like FLEET_PASSWORD, without $
<alerts cause="maybe"/>
  2: <alerts> cause="maybe" is no probability; write it like 0.02, or no
<alerts zone="Europe/Belrin"/>
  2: <alerts> zone="Europe/Belrin" is no time zone this machine knows; did you mean "Europe/Berlin"?
<alerts zone="UTC+2"/>
  2: <alerts> zone="UTC+2" is no time zone this machine knows; did you mean "Etc/GMT-2"?
<alerts zone="+02:00"/>
  2: <alerts> zone="+02:00" is no time zone this machine knows; write it like Europe/Berlin
<alerts mail="ops"/>
  2: <alerts> mail="ops" is no list of mail addresses; write bare addresses like ops@example.org, separated by commas
<alerts><mail to="a@b&#13;&#10;Bcc: c@d"/></alerts>
  2: <mail> to has a line break or control character; remove it
<alerts><mail severity="critical"/></alerts>
  2: <mail> lacks to; write to="..."
<heartbeat url="ftp://token@x"/>
  2: <heartbeat> url is no web address; it begins with https:// or http://
<client ip="10.0.0.2" name="a*"/>
  2: <client> name="a*" cannot be a name; *, ? and , would make it a pattern
<client ip="10.0.0.2" name="web&#x200b;"/>
  2: <client> name="web " has an invisible character (U+200B); write it anew, without that
<client ip="10.0.0.2" was="web&#xa0;1"/>
  2: <client> was="web\u{a0}1" has an invisible character (U+00A0); write it anew, without that
<group name="w&#xad;eb"/>
  2: <group> name="w eb" has an invisible character (U+00AD); write it anew, without that
<client ip="10.0.0.2" labels="site=f&#x200d;ra"/>
  2: <client>
    labels="site=f ra" are no labels; write them like role=web site=ber, and none that alerts have
<client ip="10.0.0.2" name=".."/>
  2: <client> name=".." cannot be a name; it is a folder in every path
<client ip="10.0.0.2" name="${'ä'.repeat(65)}"/>
  2: <client>
    name="äääääääääääääääääääääääääääääääääääääääääääääääääääääääää..." is too long for a name; 128 bytes are the most
<client ip="10.0.0.2" state="pause" />
  2: <client> state="pause" is none of active, paused, retired; did you mean "paused"?
<client ip="10.0.0.2" state="paused" until="soon"/>
  2: <client> until="soon" is no time; write it like 2026-12-01, 2026-12-01 06:00 or 2026-12-01T06:00:00Z
# Settings that contradict each other.
<collector connectTimeout="40s" clientDeadline="30s"/>
  2: <collector> connectTimeout is 40s, longer than clientDeadline (30s); write at most 30s
<collector tcpTimeout="20s"/>
  2: <collector> tcpTimeout is 20s, longer than connectTimeout (10s); write at most 10s
<collector agentTimeout="31s" clientDeadline="30s"/>
  2: <collector> agentTimeout is 31s, longer than clientDeadline (30s); write at most 30s
<collector clientDeadline="5m" runDeadline="4m"/>
  2: <collector> clientDeadline is 5m, longer than runDeadline (4m); write at most 4m
<collector every="0s"/>
  2: <collector> every is no time at all; write at least 1s
<collector every="8d"/>
  2: <collector> every is 8d, longer than a week (7d); write at most 7d
<collector share="yes"/>
  2: <collector share="yes"> has no site; write the name of the site that they share: site="..."
<collector share="yes" site="fra"/>
  2: <collector share="yes"> needs a server, and the database is a file of SQLite; write <storage url="mysql://..."/> with a database that all of them reach
<retention raw="1d" detail="2d"/>
  2: <retention> detail is longer than raw (1d), and reports go with their rows; write at most 1d
<retention raw="0s"/>
  2: <retention> raw keeps nothing; write at least 1s
<storage url="sqlite:x.db" tls="yes" socketPath="/x"/>
  2: <storage> has socketPath, tls, which only a mysql:// url takes; remove them
<storage url="sqlite:x.db" serverPublicKeyFile="key.pem"/>
  2: <storage> has serverPublicKeyFile, which only a mysql:// url takes; remove them
<storage password="x"/>
  2: <storage> has password, which only a mysql:// url takes; remove them
<storage url="mysql://u:p@h/d" passwordEnv="P"/>
  2: <storage> has a password in url and as an attribute; keep one of them
<storage url="mysql://u@/d"/>
  2: <storage> url names no host; write mysql://user@host/database, or add socketPath
<storage url="mysql://h/d"/>
  2: <storage> url names no user; write mysql://user@host/database
<storage url="mysql://u@h/d" tls="no" ca="ca.pem"/>
  2: <storage> has ca but tls="no"; write tls="verify"
<storage url="mysql://u:hunter2@h"/>
  2: <storage> url is not of the form mysql://user@host:port/database
<smtp port="25"/>
  2: <smtp> lacks host; write host="..."
<smtp host="m" username="u"/>
  2: <smtp> has a username but no password; add passwordFile="..." or passwordEnv="..."
<smtp host="m" passwordEnv="P"/>
  2: <smtp> has a password but no username; add it
<smtp host="m" security="none" verify="no"/>
  2: <smtp> has ca or verify but no encryption; write security="starttls" or "tls"
<smtp host="m[1-2]"/>
  2: <smtp> host has a range; there is one mail server
<smtp host="m" from="Fleet"/>
  2: <smtp> from="Fleet" is no sender; write fleet@example.org or Fleet &lt;fleet@example.org&gt;
<ssh password="a" passwordFile="b"/>
  2: <ssh> has password and passwordFile; keep one of them
<client ip="10.0.0.2" passphrase="a" passphraseEnv="B" passphraseFile="c"/>
  2: <client> has passphrase and passphraseFile and passphraseEnv; keep one of them
<notify severity="critical"/>
  2: <notify> lacks command; write command="..."
# Windows.
<alerts><window start="02:00"/></alerts>
  2: <window> lacks duration; write duration="..."
<alerts><window days="sun" date="2026-12-24" start="02:00" duration="1h"/></alerts>
  2: <window> has days and date; keep one of them
<alerts><window days="sunday" start="02:00" duration="1h"/></alerts>
  2: <window> days="sunday" is no list of days; write it like sun, mon-fri, 2nd tue, 15 or last
<alerts><window start="2:00" duration="1h"/></alerts>
  2: <window> start="2:00" is no time of day; write it like 02:00
<alerts><window start="02:00" duration="8d"/></alerts>
  2: <window> duration="8d" is not between 1s and 7d; for longer use state="paused"
<ssh kex="+diffie-hellman-group18-sha512"/>
  2: <ssh> kex="+diffie-hellman-group18-sha512" names "diffie-hellman-group18-sha512", which is not offered here;
    choose from curve25519-sha256, curve25519-sha256@libssh.org, ecdh-sha2-nistp256, ecdh-sha2-nistp384,
    ecdh-sha2-nistp521, diffie-hellman-group14-sha256, diffie-hellman-group16-sha512,
    diffie-hellman-group-exchange-sha256
# Machines through others.
<bastion name="fra" ip="10.0.0.9"/>
<group proxyJump="far"/>
  3: <group> proxyJump="far" names no bastion; did you mean "fra"? Write ssh://far for a host of ssh_config
<bastion name="b" ip="10.0.0.9" proxyJump="b"/>
  2: <bastion> "b" needs "b"; end the circle by proxyJump="none" or on="none"
<bastion name="a" ip="10.0.0.8" proxyJump="b"/>
<bastion name="b" ip="10.0.0.9" proxyJump="a"/>
  2: <bastion> "a" needs "b", which needs "a"; end the circle by proxyJump="none" or on="none"
  3: <bastion> "b" needs "a", which needs "b"; end the circle by proxyJump="none" or on="none"
<bastion name="b" ip="10.0.0.9"/>
<bastion name="b" ip="10.0.0.8"/>
  3: a second bastion "b"; the first is at config.xml:2, give it another name
<bastion name="b[1-2]" ip="10.0.0.9"/>
  2: <bastion> has a range; write one element for each bastion
<bastion name="b" ip="10.0.0.9" transport="local"/>
  2: <bastion> "b" is local; a bastion is reached over SSH
<bastion name="b"/>
  2: <bastion> lacks ip; write ip="..."
# Clients.
<client username="a"/>
  2: <client> lacks ip; write ip="ADDRESS", ip="HOST NAME", or the name that ssh knows it by as name
<group proxyJump="gw"><client name="gw" ip="10.0.0.1" username="u"/></group>
  2: <client> "gw" needs "gw"; end the circle by proxyJump="none" or on="none"
<client name="a" ip="10.0.0.1" proxyJump="b"/>
<client name="b" ip="10.0.0.2" proxyJump="c,a"/>
  2: <client> "a" needs "b", which needs "a"; end the circle by proxyJump="none" or on="none"
<client name="vm" ip="10.0.0.1" on="none hv"/>
  2: <client> on="none hv" has none beside names; write names of clients, or none alone
<client name="vm" ip="10.0.0.1" on="hv"/>
<client name="hv" ip="10.0.0.2" on="rack" proxyJump="none"/>
<group on="sw vm"><client name="rack" ip="10.0.0.3"/></group>
  2: <client> "vm" needs "hv", which needs "rack", which needs "vm"; end the circle by proxyJump="none" or on="none"
  3: <client> "hv" needs "rack", which needs "vm", which needs "hv"
  4: <client> "rack" needs "vm", which needs "hv", which needs "rack"
<client name="vm" ip="10.0.0.1" on="hv"/>
<client name="hv" ip="10.0.0.2" proxyJump="vm"/>
  2: <client> "vm" needs "hv", which needs "vm"
  3: <client> "hv" needs "vm", which needs "hv"
<client name="vm" ip="10.0.0.1" on="vm"/>
  2: <client> "vm" needs "vm"
<client ip="10.0.0.1" on=","/>
  2: <client> on="," is empty; write names of clients, or none
<client ip="10.0.0.1" on="hv-[1-2]"/>
  2: <client> on="hv-[1-2]" has a range; write each name, with blanks between them
<client ip="10.0.0.1" on="hv-*"/>
  2: <client> on="hv-*" cannot be a name; *, ? and , would make it a pattern
<client ip="10.0.0.1" proxyJump="a,,b"/>
  2: <client> proxyJump="a,,b" is no way; write the name of a bastion
<client ip="10.0.0.1" proxyJump="root@[::1]:70000"/>
  2: <client> proxyJump="root@[::1]:70000" is no way
<client ip="10.0.0.1" proxyJump="root@-oProxyCommand=x"/>
  2: <client> proxyJump="root@-oProxyCommand=x" is no way
<client ip="10.0.0.2" address="10.0.0.3"/>
  2: <client> has ip and address, which mean the same; keep one of them
<client ip="web-1:2222"/>
  2: <client> ip="web-1:2222" is no host name; write the port as port="..."
<client ip="10.0.0.[250-256]"/>
  2: <client> ip="10.0.0.[250-256]" is no IPv4 address; four numbers from 0 to 255 are
<client ip="w-[1-2]" name="w-[1-3]"/>
  2: <client> ip has a range of 2, but another attribute one of 3; make them equally long
<client ip="w" name="w-[1-3]"/>
  2: <client> name has a range but ip has none; write the same range in ip
<client ip="w-[1-3]" name="w"/>
  2: <client> ip has a range but name="w" has none, so all would have one name; write a range in name, or leave it out
<client ip="w-[1-3]" was="x"/>
  2: <client> ip has a range but was has none; write it in both
<client ip="w-[1-3]-[1-3]"/>
  2: <client> ip="w-[1-3]-[1-3]" has two ranges; write one element for each value of one of them
<client ip="w-[3-1]"/>
  2: <client> ip="w-[3-1]" has a range that ends before it begins; write [1-3]
<client name="a" ip="10.0.0.2"/>
<client name="a" ip="10.0.0.3"/>
  3: a second client "a"; the first is at config.xml:2, give it another name
<client name="a" ip="10.0.0.2" was="a"/>
  2: client "a" was "a" already; remove was
<client name="a" ip="10.0.0.2"/>
<client name="b" ip="10.0.0.3" was="a"/>
  3: client "b" was="a", but that client is still written; remove one of them
<client name="a" ip="10.0.0.2" was="z"/>
<client name="b" ip="10.0.0.3" was="z"/>
  3: client "b" was="z", as "a" at config.xml:2 was; only one can be
<client ip="10.0.0.2" until="2027-01-01"/>
  2: <client> has until but no state that could end; write state="paused" or "retired", or remove until
<group name="g[1-2]"/>
  2: <group> name has a range; a group has one name
`);

for (const [children, expected] of table) {
  test(`says what is wrong with ${children.replaceAll('\n', ' ').slice(0, 100)}`, () => {
    const notified = faults(`${children}\n${client}`).map((line) => line.replace(/^config\.xml:/, ''));
    assert.equal(notified.length, expected.length, notified.join('\n'));
    for (const [index, text] of expected.entries())
      assert.ok((notified[index] ?? '').startsWith(text), notified[index]);
  });
}

test('a configuration without clients is a fault', () => {
  assert.deepEqual(faults('<collector every="5m"/>'), ['config.xml:1: there is no client; write <client ip="..."/>']);
});

test('all faults come at once, in the order of the file', () => {
  const notified = faults(`<collector every="5x" concurrency="many"/>
    <client ip="10.0.0.1" mail="a@b"><alert type="cpu"/></client>
    <smpt host="m"/>
    <client ip="10.0.0.300"/>
    <alerts><alert type="disk" limit="5GiB"/></alerts>`);
  const lines = notified.map((line) => line.split(':')[1]);
  assert.deepEqual(lines, ['2', '2', '3', '4', '5', '6']);
});

test('one fault in one attribute makes no second one elsewhere', () => {
  assert.equal(faults('<client ip="10.0.0.1" mail="a@b"><alert type="cpu" limit="5x"/></client>').length, 1);
  assert.equal(faults('<client ip="nowhere!" mail="a@b"/>').length, 1);
  assert.equal(faults(`<smtp host="bad host" username="u"/>${client}`).length, 1);
});

test('a value in a message is cut and cannot change the terminal', () => {
  const [long = ''] = faults(`<collector every="${'x'.repeat(500)}"/>${client}`);
  assert.ok(long.length < 200, long);
  const [odd = ''] = faults(`<collector every="a&#x9b;31m&#x202e;b"/>${client}`);
  assert.doesNotMatch(odd, /[\p{Cc}\p{Cf}]/u);
});

test('the root must be <config>, and its only attributes those of the schema', () => {
  assert.deepEqual(faultsOfText('<fleet/>'), ['config.xml:1: the root element is <fleet>; it must be <config>']);
  const schema = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="config.xsd"';
  assert.deepEqual(faultsOfText(`<config ${schema}>${client}</config>`), []);
  assert.match(faultsOfText(`<config version="1">${client}</config>`)[0] ?? '', /<config> has no attribute version/);
});
