/**
 * The cache of a package runner, found to be broken by what stands on stderr.
 *
 * A runner that was ended in the middle of unpacking takes what is there for the whole package from then on.
 */

export interface BrokenCache {
  /** Whose it is: `npx`. */
  readonly runner: string;
  readonly folder: string;
}

/** The words of programs whose own files are not all there. */
const INCOMPLETE =
  /MODULE_NOT_FOUND|Cannot find (?:module|package)|ERR_INVALID_PACKAGE_CONFIG|Invalid package config|ENOENT|ENOTEMPTY|ENOTDIR|EEXIST|Unexpected end of JSON|JSON\.parse|No module named|ModuleNotFoundError|ImportError|No such file or directory|Module not found|TAR_ENTRY_ERROR/;

/** Each folder holds one package with all that it needs. */
const FOLDERS: readonly (readonly [runner: string, folder: RegExp])[] = [
  ['npx', folderLike(String.raw`_npx[\\/][0-9a-f]{16}`)],
  ['pnpm dlx', folderLike(String.raw`pnpm(?:-cache)?[\\/](?:cache[\\/])?dlx[\\/-][\w-]{8,}`)],
  ['bunx', folderLike(String.raw`bunx-\d+-[\w.@+-]+`)],
  ['yarn dlx', folderLike(String.raw`xfs-[0-9a-f]{6,}[\\/]dlx-\d+`)],
  ['uv', folderLike(String.raw`uv[\\/](?:cache[\\/])?(?:archive|environments)-v\d+[\\/][\w-]{8,}`)],
  ['pipx', folderLike(String.raw`pipx[\\/](?:\.cache|venvs)[\\/][\w.-]+`)],
];

/** @param stderr without secrets, its paths whole. */
export function brokenCache(stderr: string): BrokenCache | undefined {
  // A line of another trouble may stand beside the path of a healthy package.
  const lines = stderr.split('\n');
  if (!lines.some((line) => INCOMPLETE.test(line))) return undefined;
  const telling = lines.flatMap((line, i) => (INCOMPLETE.test(line) ? lines.slice(i, i + AROUND) : []));
  for (const text of [telling.join('\n'), stderr])
    for (const [runner, pattern] of FOLDERS) {
      const folder = pattern.exec(text)?.groups?.['folder'];
      if (folder !== undefined) return { runner, folder };
    }
  return undefined;
}

/** The folder that the error of a start names, as `brokenCacheSentence` wrote it. */
export function brokenFolderIn(message: string): BrokenCache | undefined {
  const found = /What (?<runner>[\w ]+) keeps of its package is broken: (?<folder>.+?)\. Remove that/.exec(
    message,
  );
  const { runner, folder } = found?.groups ?? {};
  return runner === undefined || folder === undefined ? undefined : { runner, folder };
}

export function brokenCacheSentence({ runner, folder }: BrokenCache): string {
  const fix = runner === 'npx' ? ' (switchyard doctor --fix does)' : '';
  return `What ${runner} keeps of its package is broken: ${folder}. Remove that folder${fix}, and the package is fetched anew.`;
}

const AROUND = 12;

function folderLike(inner: string): RegExp {
  // A path begins behind a quote, a bracket, a blank or a URL's scheme.
  return new RegExp(
    String.raw`(?<folder>(?:[A-Za-z]:)?[\\/](?:[^\s"'()<>|:*?\\/]+[\\/])*?${inner})(?=[\\/"'\s:]|$)`,
    'm',
  );
}
