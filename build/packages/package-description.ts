/** The description of a package, for all formats. */

/** Facts that the packages of one release share. */
export interface Release {
  readonly version: string;
  /** Debian's name of the architecture: amd64, arm64. */
  readonly architecture: string;
  /** The time of every file, in seconds since 1970. */
  readonly epoch: number;
  /** Name and address, as in $DEBFULLNAME and $DEBEMAIL. */
  readonly maintainer: string;
  /** The folder of the project. */
  readonly root: string;
  /** The folder for the packages. */
  readonly out: string;
  readonly format: 'deb' | 'rpm';
}

export interface PackageDescription {
  readonly name: string;
  readonly depends: string;
  /** The dependencies of the rpm. */
  readonly rpmRequires: readonly string[];
  readonly recommends?: string;
  readonly suggests?: string;
  readonly summary: string;
  /** The description in lines of at most 79 characters. */
  readonly description: readonly string[];
  /** The licences and holders of the parts that do not belong to the project. */
  readonly copyright: string;
  /** The names of the units of the package's account. An upgrade restarts those of `restarted`. */
  readonly units?: readonly string[];
  readonly restarted?: readonly string[];
  /** True if the package has a script of its own name in /etc/init.d. */
  readonly hasInitScript?: boolean;
  readonly conffiles?: readonly string[];
  /** The level of xz; default 6. At a high level a large binary takes minutes and is a tenth smaller. */
  readonly level?: number;
  /** The overridden tags of lintian, each with its reason. */
  readonly overrides?: readonly (readonly [tag: string, reason: string])[];
}
