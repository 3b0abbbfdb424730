{{%AUTOESCAPE context="HTML"}}
  <div class="card">
    <h1>Sign in</h1>
    {{#OUT}}
    <div class="flash ok" role="status"><p>You are signed out.</p></div>
    {{/OUT}}
    {{#WRONG}}
    <div class="flash bad" role="alert"><p>{{WRONG}}</p></div>
    {{/WRONG}}
    <form class="form" method="post" action="{{BASE}}/signin">
      <input type="hidden" name="token" value="{{TOKEN}}"><input type="hidden" name="next" value="{{NEXT}}">
      <div class="field"><label for="email">Email</label><input id="email" name="email" type="email" autocomplete="username" value="{{EMAIL}}" required autofocus></div>
      <div class="field"><label for="pw">Password</label><input id="pw" name="password" type="password" autocomplete="current-password" required></div>
      <button class="btn go wide" type="submit">Sign in</button>
    </form>
    <p class="small soft">Forgotten it? The admin of this server can set a new one. {{#SIGN_UP}}No account yet? <a href="{{BASE}}/join">Make one.</a>{{/SIGN_UP}}{{#BY_INVITATION}}Have an invitation? Open its link.{{/BY_INVITATION}}</p>
  </div>
