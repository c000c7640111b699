import { offsetOf } from './document-place.ts';
import type { Finding } from './finding.ts';
import { formatPath } from './json-path.ts';
import type { Problem } from './problem.ts';
import { placeAt, sourceOf } from './source.ts';
import { readYaml } from './yaml-text.ts';

/**
 * Findings about an SLO that were made after its file was read, as problems at their places in the file's text. They
 * stand at no place where the SLO is not in the text (any more).
 */
export function placeInFile(findings: readonly Finding[], sloId: string, text: string, file: string): Problem[] {
  const yaml = readYaml(text);
  const source = sourceOf(text, file);
  const document = yaml.ok
    ? yaml.documents.find((candidate) => candidate.getIn(['metadata', 'id']) === sloId)
    : undefined;
  return findings.map((finding) => {
    const { severity, path, message } = finding;
    const place = document === undefined ? { file } : placeAt(offsetOf(document, finding, text), source);
    return { severity, ...place, path: formatPath(path), message };
  });
}
