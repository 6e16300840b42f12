import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { refusal, signIn } from '../connection.ts';

/** Asks for the key of a server that has one; the rest of the page waits behind it. */
export function SignIn() {
  const typed = useSignal('');
  const trying = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = async () => {
    if (trying.value) return;
    if (typed.value.trim() === '') return field.current?.focus();
    trying.value = true;
    await signIn(typed.value.trim());
    trying.value = false;
    // Where it was right this form is gone by now.
    field.current?.select();
  };
  return (
    <form
      class="sign-in field"
      onSubmit={event => {
        event.preventDefault();
        void submit();
      }}
    >
      <h1>Sign in</h1>
      <p class="hint">This server wants to know who calls it. Whoever runs it has an API key for you.</p>
      <div>
        <label class="label" for="key">
          API key of this server
        </label>
        <input
          id="key"
          ref={field}
          type="password"
          autocomplete="off"
          spellcheck={false}
          placeholder="rly_…"
          aria-describedby="key-problem"
          aria-invalid={refusal.value !== ''}
          value={typed.value}
          onInput={event => {
            typed.value = event.currentTarget.value;
            refusal.value = '';
          }}
        />
        <p class="problem" id="key-problem" role="alert">
          {refusal.value}
        </p>
      </div>
      <button type="submit" class="primary" aria-disabled={trying.value}>
        Sign in
      </button>
      <p class="hint">The key stays in this tab and is forgotten when you close it.</p>
    </form>
  );
}
