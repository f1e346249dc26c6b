/** PATH in the launchers of restricted keys, which tests replace by one of their own. */
export const launcherPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
