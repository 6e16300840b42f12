// The last line of .ci/run, from the runners' own reports: ci-summary.mjs <vitest report> <vitest exit code> <name>=<exit code> …
import { readFileSync } from 'node:fs';

const [reportPath, vitestCode, ...checks] = process.argv.slice(2);

/** Counts of vitest's JSON report; no report, a torn one, or one without a passed test is a failure of its own. */
function countVitest() {
  try {
    const report = JSON.parse(readFileSync(reportPath, 'utf8'));
    const brokenFiles = report.testResults.filter(
      file => file.status === 'failed' && file.assertionResults.length === 0,
    );
    const failed = report.numFailedTests + brokenFiles.length;
    const unexplained = failed === 0 && (vitestCode !== '0' || report.numPassedTests === 0) ? 1 : 0;
    return {
      passed: report.numPassedTests,
      failed: failed + unexplained,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

const vitest = countVitest();
const broken = checks.filter(check => !/=(0|77)$/.test(check)); // 77: what it needs is not to be had here
const skipped = checks.filter(check => check.endsWith('=77'));
const passed = vitest.passed + checks.length - broken.length - skipped.length;
const failed = vitest.failed + broken.length;
for (const check of broken) console.log(`!! failed: ${check.split('=')[0]}`);
for (const check of skipped) console.log(`!! SKIPPED: ${check.split('=')[0]}`);
if (vitest.skipped > 0) console.log(`!! ${vitest.skipped} tests were SKIPPED: the warnings above say which and why`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
