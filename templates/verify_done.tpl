{{%AUTOESCAPE context="HTML"}}
  <div class="card">
    <div><span class="state lit">verified</span></div>
    <h1>“<bdi>{{NAME}}</bdi>” may open</h1>
    <p>The relay holds <code>{{ADDRESS}}</code> now. It answers as soon as a computer serves it.</p>
    {{#IS_MINE}}
    <div class="acts"><a class="btn go" href="{{BASE}}/tunnels/{{ID}}">Go on: step 2 of 3</a></div>
    {{/IS_MINE}}
  </div>
