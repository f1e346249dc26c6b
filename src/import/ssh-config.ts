import { FleetError } from '../errors.ts';
import { createSshConfigReader } from '../transport/ssh-config/ssh-config-reader.ts';
import { type Imported, type ImportedHost, hostNamed, type Skipped, type SourceText } from './imported.ts';
import { unreadable } from './unreadable.ts';

/**
 * Reads an ssh_config with its includes. Returns a host for each name of a Host line that is no pattern, with the
 * settings that ssh would use.
 */
export function readSshConfig(source: SourceText): Imported {
  const { file } = source;
  if (file === null) throw unreadable(source, 'ssh_config is read with its includes', 'Name the file.');
  const reader = createSshConfigReader();
  const skipped: Skipped[] = [];
  const hosts = [...new Set(reader.load(file).hostNames)].flatMap((name): readonly ImportedHost[] => {
    const where = `Host ${name}`;
    try {
      const { values } = reader.ask([file], { host: name, user: null, address: null });
      if (values.proxyCommand !== null) {
        skipped.push({ where, why: 'its ProxyCommand has no words in config.xml; name a <bastion> as proxyJump' });
        return [];
      }
      const hostName = values.hostName?.value ?? null;
      const jump = values.proxyJump?.value ?? null;
      return [
        {
          ...hostNamed(name, where),
          ip: hostName === name ? null : hostName,
          port: values.port === null ? null : String(values.port.value),
          username: values.user?.value ?? null,
          privateKey: values.identityFiles[0]?.value ?? null,
          proxyJump: jump === 'none' ? null : jump,
        },
      ];
    } catch (thrown) {
      if (!(thrown instanceof FleetError)) throw thrown;
      skipped.push({ where, why: thrown.message });
      return [];
    }
  });
  return { hosts, skipped };
}
