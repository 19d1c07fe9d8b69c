# Every target installs what it needs first, below .odoo/ (see dev/setup).
# make run PORT=8080          serve the demo on another port
# make test T=test_hours      a file, class, method or tag of Odoo's test runner
# ODOO_HOME=/path make …      an Odoo 19 source tree instead of the downloaded one

.PHONY: run test lint format bench history shell clean
.SILENT:

run:
	dev/run $(PORT)

test:
	dev/test $(T)

lint:
	dev/lint

format:
	dev/lint --fix

bench:
	dev/bench $(ARGS)

# Import past tickets: make history FILE=past.csv
history:
	dev/history "$(FILE)"

# Python with the demo database at hand, as `env`
shell:
	dev/shell

clean:
	dev/clean
