/** Words that people write first, as in other programs' files, and what they mean here: the first that is allowed. */
type Usual = readonly (readonly [means: readonly string[], words: string])[];

const attributes: Usual = [
  [['ip'], 'host hostname addr fqdn ipaddress server target'],
  [['host'], 'server hostname address ip'],
  [['username'], 'user login account remoteUser sshUser'],
  [['privateKey'], 'key keyFile identity identityFile sshKey'],
  [['password'], 'pass passwd pw secret'],
  [['mail', 'to'], 'email mailto recipient recipients notify contact'],
  [['limit'], 'threshold value above over max'],
  [['warning'], 'warn warnAt yellow'],
  [['critical'], 'crit critAt red error'],
  [['severity'], 'level priority'],
  [['every'], 'interval period step frequency schedule'],
  [['for'], 'duration during delay after'],
  [['enabled', 'state'], 'disabled active disable enable'],
  [['proxyJump'], 'bastion jump jumphost gateway proxy via'],
  [['on'], 'parent parents dependsOn'],
  [['mount'], 'path mountpoint filesystem partition volume'],
  [['unit'], 'service systemd'],
  [['match'], 'process pattern command'],
  [['note'], 'comment description runbook text'],
  [['labels'], 'tags tag label role'],
  [['url'], 'uri href endpoint dsn'],
];

const elements: Usual = [
  [['client'], 'host server node machine target agent'],
  [['alert'], 'rule check threshold monitor trigger'],
  [['mail'], 'email recipient contact'],
  [['notify'], 'exec command script'],
  [['group'], 'hostgroup clients hosts servers'],
  [['storage'], 'database db'],
  [['window'], 'maintenance downtime schedule'],
  [['webhook'], 'slack teams hook chat'],
  [['bastion'], 'jumphost jump gateway proxy'],
];

const types: Usual = [
  [['memory'], 'ram mem'],
  [['disk'], 'space filesystem fs df storage hdd partition'],
  [['cpu'], 'processor cores'],
  [['load'], 'loadavg load1 load5 load15'],
  [['service'], 'unit systemd daemon'],
  [['process'], 'proc ps program'],
  [['network-errors'], 'network net interface nic'],
  [['temperature'], 'temp sensors thermal heat'],
  [['reboot-required'], 'reboot restart'],
  [['clock-offset'], 'ntp time clock chrony'],
  [['inodes'], 'inode files'],
  [['open-files'], 'fds filedescriptors nofile'],
  [['mount'], 'nfs mounts'],
  [['check'], 'plugin nagios nrpe script'],
];

const tables = { attributes, elements, types };

/** Returns what a word of an attribute, element or type may mean, out of the names that are allowed there. */
export function usualMeaning(word: string, allowed: readonly string[], of: keyof typeof tables): string | null {
  const wanted = word.toLowerCase();
  const meant = tables[of].flatMap(([means, words]) => (words.toLowerCase().split(' ').includes(wanted) ? means : []));
  return meant.find((name) => allowed.includes(name)) ?? null;
}
