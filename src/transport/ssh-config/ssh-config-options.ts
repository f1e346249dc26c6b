import { servicePort } from './service-port.ts';

/**
 * The options of ssh_config(5) and their treatment. The built-in transport follows the options in `followed` and
 * `gathered`. `Unsupported` names the options that only OpenSSH supports. `check CLIENT` names all others.
 */

/** Options whose first value wins. Each takes one argument unless `manyArguments` lists it. */
const followed = [
  'addressfamily',
  'connecttimeout',
  'globalknownhostsfile',
  'hostkeyalias',
  'hostname',
  'identitiesonly',
  'identityagent',
  'ignoreunknown',
  'kexalgorithms',
  'port',
  'proxycommand',
  'proxyjump',
  'stricthostkeychecking',
  'tag',
  'user',
  'userknownhostsfile',
] as const;

/** Options whose values all count. */
const gathered = ['identityfile', 'certificatefile'] as const;

const manyArguments = new Set<string>(['globalknownhostsfile', 'userknownhostsfile', 'proxycommand', 'proxyjump']);

/**
 * Options that only OpenSSH supports. `off` lists the values that disable the option. `needed` is false for an option
 * that is one login method among others.
 */
const opensshOnly: Readonly<Record<string, { readonly off: readonly string[]; readonly needed: boolean }>> = {
  bindaddress: { off: [], needed: true },
  bindinterface: { off: [], needed: true },
  canonicalizehostname: { off: ['no', 'false'], needed: true },
  gssapiauthentication: { off: ['no', 'false'], needed: false },
  hostbasedauthentication: { off: ['no', 'false'], needed: false },
  knownhostscommand: { off: ['none'], needed: true },
  pkcs11provider: { off: ['none'], needed: true },
  revokedhostkeys: { off: ['none'], needed: true },
};

const others = (
  'addkeystoagent batchmode canonicaldomains canonicalizefallbacklocal canonicalizemaxdots ' +
  'canonicalizepermittedcnames casignaturealgorithms channeltimeout checkhostip ciphers clearallforwardings ' +
  'compression connectionattempts controlmaster controlpath controlpersist dynamicforward enableescapecommandline ' +
  'enablesshkeysign escapechar exitonforwardfailure fingerprinthash forkafterauthentication forwardagent ' +
  'forwardx11 forwardx11timeout forwardx11trusted gatewayports gssapiclientidentity gssapidelegatecredentials ' +
  'gssapikeyexchange gssapikexalgorithms gssapirenewalforcesrekey gssapiserveridentity gssapitrustdns ' +
  'hashknownhosts hostbasedacceptedalgorithms hostkeyalgorithms ipqos kbdinteractiveauthentication ' +
  'kbdinteractivedevices localcommand localforward loglevel logverbose macs nohostauthenticationforlocalhost ' +
  'numberofpasswordprompts obscurekeystroketiming passwordauthentication permitlocalcommand permitremoteopen ' +
  'preferredauthentications proxyusefdpass pubkeyacceptedalgorithms pubkeyacceptedkeytypes pubkeyauthentication ' +
  'refuseconnection rekeylimit remotecommand remoteforward requesttty requiredrsasize securitykeyprovider sendenv ' +
  'serveralivecountmax serveraliveinterval sessiontype setenv stdinnull streamlocalbindmask streamlocalbindunlink ' +
  'syslogfacility tcpkeepalive tunnel tunneldevice updatehostkeys useroaming verifyhostkeydns usekeychain ' +
  'versionaddendum visualhostkey warnweakcrypto xauthlocation'
).split(' ');

export type FollowedOption = (typeof followed)[number];
export type GatheredOption = (typeof gathered)[number];

const followedNames = new Set<string>(followed);
const gatheredNames = new Set<string>(gathered);
const otherNames = new Set<string>(others);

export function isFollowed(keyword: string): keyword is FollowedOption {
  return followedNames.has(keyword);
}

export function isGathered(keyword: string): keyword is GatheredOption {
  return gatheredNames.has(keyword);
}

/** True if some version of OpenSSH has the option. */
export function isKnownOption(keyword: string): boolean {
  const isOnly = Object.hasOwn(opensshOnly, keyword);
  return followedNames.has(keyword) || gatheredNames.has(keyword) || isOnly || otherNames.has(keyword);
}

/**
 * Returns the need for OpenSSH that an option's value creates. `needed` is true if the connection depends on the
 * option. Returns null if the value needs no OpenSSH.
 */
export function opensshNeed(keyword: string, value: string): { readonly needed: boolean } | null {
  const only = Object.hasOwn(opensshOnly, keyword) ? opensshOnly[keyword] : undefined;
  return only === undefined || only.off.includes(value.toLowerCase()) ? null : only;
}

/** The options with texts that ssh does not take empty. */
const refusesEmpty: ReadonlySet<string> = new Set([
  ...['hostname', 'user', 'hostkeyalias', 'identityagent', 'tag'],
  ...['identityfile', 'certificatefile', 'userknownhostsfile', 'globalknownhostsfile'],
]);

const words: Readonly<Record<string, readonly string[]>> = {
  addressfamily: ['any', 'inet', 'inet6'],
  identitiesonly: ['yes', 'no', 'true', 'false'],
  stricthostkeychecking: ['yes', 'true', 'no', 'false', 'off', 'ask', 'accept-new'],
};

/**
 * Returns why ssh rejects the arguments of a followed option, worded to continue a sentence that begins with the
 * option's name. Returns null for valid arguments.
 */
export function optionFault(keyword: string, args: readonly string[]): string | null {
  const [value = ''] = args;
  if (args.length === 0) return 'has no argument';
  if (args.includes('') && refusesEmpty.has(keyword)) return 'has no argument';
  if (!isFollowed(keyword) && !isGathered(keyword)) return null;
  if (args.length > 1 && !manyArguments.has(keyword)) return 'has more than one argument';
  const allowed = words[keyword];
  if (allowed !== undefined && !allowed.includes(value.toLowerCase())) return `is none of ${allowed.join(', ')}`;
  if (keyword === 'port' && portNumber(value) === null) return 'is no port number';
  if (keyword === 'connecttimeout' && value !== 'none' && timeSeconds(value) === null) return 'is no time';
  if (args.length > 1 && args.some((word) => word.toLowerCase() === 'none') && keyword.endsWith('knownhostsfile'))
    return 'has none among others';
  return null;
}

/** Parses a port: a number or the name of a TCP service. Returns null if the text is neither. */
export function portNumber(text: string): number | null {
  const port = /^\+?\d{1,20}$/.test(text) ? Number(text) : servicePort(text);
  return port !== null && port >= 1 && port <= 65_535 ? port : null;
}

const unitSeconds: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** The longest time, that of an `int`. */
const maxSeconds = 2 ** 31 - 1;

/** Parses a time (sshd_config(5), TIME FORMATS) into seconds. Returns null if the text is not a time. */
export function timeSeconds(text: string): number | null {
  if (!/^(?:\d{1,9}[smhdwSMHDW]?)+$/.test(text)) return null;
  let seconds = 0;
  for (const [, count = '', unit = ''] of text.matchAll(/(\d+)([a-zA-Z]?)/g)) {
    seconds += Number(count) * (unitSeconds[unit.toLowerCase()] ?? 0);
  }
  return seconds > maxSeconds ? null : seconds;
}
