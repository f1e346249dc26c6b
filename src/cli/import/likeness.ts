import type { ImportKind } from './import-kinds.ts';

/** A form of text that people give to `import`. */
interface Form {
  /** The text with its article, as in "it looks like ...". */
  readonly what: string;
  /** Matches the beginning of such a text. */
  readonly form: RegExp;
  /** The kind that reads it; null if no kind does. */
  readonly kind: ImportKind | null;
  /** Default for a form without a kind: a table is to be made of it. */
  readonly remedy?: string;
}

const asTable = 'Make a table of it for `fleet-health import csv`; docs/import.md has commands for many programs.';
const precache = 'Give objects.precache, which `nagios -pv nagios.cfg` makes where precached_object_file says.';

/** The forms, the most distinct ones first. Text of a list is never quoted, so only its form is told. */
const forms: readonly Form[] = [
  {
    ...{ what: 'a workbook or another zip archive', form: /^PK\p{Cc}{2}/u, kind: null },
    remedy: 'Save the sheet as CSV, and give that: `fleet-health import csv`.',
  },
  {
    ...{ what: 'a workbook of Excel 97', form: /^ÐÏ\p{Cc}à/u, kind: null },
    remedy: 'Save the sheet as CSV, and give that: `fleet-health import csv`.',
  },
  {
    what: 'a file that gzip has compressed',
    form: /^\p{Cc}‹/u,
    kind: null,
    remedy: 'Unpack it first: gunzip FILE.',
  },
  {
    ...{ what: 'a page for a browser', form: /^\s*<(?:!doctype html|html)/i, kind: null },
    remedy: 'Give the list itself; at a web address, check whether it wants a login.',
  },
  {
    ...{ what: 'a file that ansible-vault has encrypted', form: /^\$ANSIBLE_VAULT;/, kind: null },
    remedy: 'Set ANSIBLE_VAULT_PASSWORD_FILE for `fleet-health import ansible`.',
  },
  {
    ...{ what: 'a key or certificate', form: /^-----BEGIN /m, kind: null },
    remedy: 'Name the list of machines.',
  },
  { what: 'an export of Zabbix', form: /^[ \t]*(?:\{[ \t]*|<)?"?zabbix_export\b/m, kind: null },
  { what: 'the state of Terraform', form: /"terraform_version"\s*:/, kind: null },
  { what: 'the output of Terraform', form: /"sensitive"\s*:\s*(?:true|false)/, kind: null },
  { what: 'a backup of Uptime Kuma', form: /"monitorList"\s*:/, kind: null },
  { what: 'an answer of LibreNMS', form: /"devices"\s*:\s*\[/, kind: null },
  { what: 'an answer of NetBox or of a similar API', form: /"results"\s*:\s*\[/, kind: null },
  { what: 'XML', form: /^\s*<[?!a-z]/i, kind: null },
  {
    what: 'a configuration of Icinga 2',
    form: /^[ \t]*(?:object|template)[ \t]+(?:Host|Zone|Endpoint)[ \t]+"/m,
    kind: null,
  },
  { what: 'objects of Nagios', form: /^[ \t]*define[ \t]+\w+[ \t]*\{/m, kind: 'nagios' },
  {
    ...{
      what: 'the main configuration of Nagios',
      form: /^[ \t]*(?:cfg_(?:file|dir)|object_cache_file)[ \t]*=/m,
      kind: null,
    },
    remedy: precache,
  },
  { what: 'hosts of Checkmk', form: /^all_hosts[ \t]*\+?=/m, kind: null },
  { what: 'munin.conf', form: /^\[[^\]\n]+\][ \t]*\n[ \t]*address[ \t]/m, kind: null },
  { what: 'an inventory of Puppet Bolt', form: /^(?:groups|targets):[ \t]*\n[ \t]*- ['"]?(?:name|uri)\b/m, kind: null },
  { what: 'a configuration of Prometheus', form: /^scrape_configs:/m, kind: 'http-sd' },
  {
    what: 'targets of Prometheus',
    form: /^[ \t[{-]*"?targets"?[ \t]*:[ \t]*(?:\[|$)/m,
    kind: 'http-sd',
  },
  { what: 'pattoo.yaml', form: /^pattoo[-_]os/m, kind: 'pattoo' },
  { what: 'a roster of Salt', form: /^[\w.-]+:[ \t]*\n(?:[ \t]+\w+:[^\n]*\n)*?[ \t]+host:[ \t]/m, kind: null },
  { what: 'a program in Python', form: /^(?:import|from)[ \t]+\w|^\w+[ \t]*=[ \t]*[[({]/m, kind: null },
  { what: 'known_hosts', form: /^\S+ (?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-\w+) AAAA/m, kind: 'known-hosts' },
  { what: 'an ssh_config', form: /^[ \t]*(?:Host|Match)[ \t=]+\S/m, kind: 'ssh-config' },
  // The first line of an inventory may be this machine's.
  { what: 'an inventory of Ansible', form: /^\[[\w.:-]+\][ \t]*(?:[#;]|$)|\bansible_\w+[ \t]*[=:]/m, kind: 'ansible' },
  { what: 'a hosts file', form: /^(?:127\.\d+\.\d+\.\d+|::1)[ \t]+\w/m, kind: 'hosts' },
  { what: 'JSON', form: /^\s*[[{]/, kind: null },
  { what: 'a table', form: /^"?[\w -]{0,64}(?:name|host|ip|address)[\w -]{0,64}"?[ \t]*[,;\t]/i, kind: 'csv' },
];

/** A likeness in words: `an ssh_config`, and what to do about it. */
export interface Likeness {
  readonly what: string;
  readonly remedy: string;
}

/** Returns what the beginning of a text looks like. Returns null if it is of the tried kind, or of no known form. */
export function likenessOf(text: string, tried: ImportKind): Likeness | null {
  const found = forms.find(({ form }) => form.test(text));
  const isTried = found?.kind === tried || (found?.kind === 'http-sd' && tried === 'prometheus');
  if (found === undefined || isTried) return null;
  const { what, kind, remedy = asTable } = found;
  return { what, remedy: kind === null ? remedy : `Import it as such: fleet-health import ${kind} FILE` };
}
