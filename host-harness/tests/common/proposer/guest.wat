;; What the proposer does: it hands back the plan that it is given, and judges every step as ready, and every answer as done.
(module
  (memory (export "memory") 1)
  (global $free (mut i32) (i32.const 4096))
  (global $calls (mut i32) (i32.const 0))
  (data (i32.const 512) "nothing is here")
  (data (i32.const 544) "look elsewhere")

  (func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $size)))
    (block $enough
      (br_if $enough (i32.le_u (global.get $free) (i32.mul (memory.size) (i32.const 65536))))
      (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable)))
    (local.get $at))

  (func (export "test:proposer/read@0.1.0#count-up") (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store8 (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1028) (global.get $calls))
    (i32.const 1024))

  (func (export "test:proposer/read@0.1.0#spin") (result i32)
    (loop $again (br $again))
    unreachable)

  ;; The second case of the contract's failures: not-found.
  (func (export "test:proposer/read@0.1.0#nothing-found") (result i32)
    (i32.store8 (i32.const 1024) (i32.const 1))
    (i32.store8 (i32.const 1028) (i32.const 1))
    (i32.store (i32.const 1032) (i32.const 512))
    (i32.store (i32.const 1036) (i32.const 15))
    (i32.store (i32.const 1040) (i32.const 544))
    (i32.store (i32.const 1044) (i32.const 14))
    (i32.const 1024))

  (func (export "test:proposer/propose@0.1.0#scheme")
    (param $words i32) (param $words_size i32) (param $about i32) (param $about_count i32)
    (param $steps i32) (param $steps_count i32) (param $warnings i32) (param $warnings_count i32) (result i32)
    (i32.store8 (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1028) (local.get $words))
    (i32.store (i32.const 1032) (local.get $words_size))
    (i32.store (i32.const 1036) (local.get $about))
    (i32.store (i32.const 1040) (local.get $about_count))
    (i32.store (i32.const 1044) (local.get $steps))
    (i32.store (i32.const 1048) (local.get $steps_count))
    (i32.store (i32.const 1052) (local.get $warnings))
    (i32.store (i32.const 1056) (local.get $warnings_count))
    (i32.const 1024))

  (func (export "claw:skill/judge@0.1.0#ready") (param $step i32) (result i32)
    (i32.store8 (i32.const 1024) (i32.const 0))
    (i32.const 1024))

  (func (export "claw:skill/judge@0.1.0#answer") (param $step i32) (result i32)
    (i32.store8 (i32.const 1024) (i32.const 0))
    (i32.const 1024)))
