{{%AUTOESCAPE context="HTML"}}
  <div class="card">
    <h1>Make an account</h1>
    <p>With it you make tunnels on <strong>{{HOST}}</strong>.</p>
    <form class="form" method="post" action="{{BASE}}{{ACTION}}">
      <input type="hidden" name="token" value="{{TOKEN}}">
      <div class="field"><label for="email">Your email</label><p class="hint" id="email-h">Only to sign in. Nothing is sent anywhere.</p><input id="email" name="email" type="email" autocomplete="username" value="{{EMAIL}}" required{{#EMAIL_WRONG}} aria-invalid="true" aria-describedby="email-e"{{/EMAIL_WRONG}}>{{#EMAIL_WRONG}}<p class="wrong" id="email-e">{{SAYS}}</p>{{/EMAIL_WRONG}}</div>
      <div class="field"><label for="password">A password</label><p class="hint" id="password-h">At least {{PASSWORD_MIN}} characters; four plain words are fine.</p><input id="password" name="password" type="password" autocomplete="new-password" minlength="{{PASSWORD_MIN}}" required{{#PASSWORD_WRONG}} aria-invalid="true" aria-describedby="password-e"{{/PASSWORD_WRONG}}>{{#PASSWORD_WRONG}}<p class="wrong" id="password-e">{{SAYS}}</p>{{/PASSWORD_WRONG}}</div>
      <button class="btn go wide" type="submit">Make the account</button>
    </form>
  </div>
