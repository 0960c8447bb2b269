package observe

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portreeve/portreeve/reconciler/fleet"
	"github.com/portreeve/portreeve/reconciler/plan"
)

// fake is a catalog that takes its time.
type fake struct {
	reads int
	takes time.Duration
	err   error
}

func (f *fake) Read(context.Context) (*fleet.Catalog, error) {
	f.reads++
	time.Sleep(f.takes)
	return &fleet.Catalog{}, f.err
}

// TestCatalogInItsTime: the catalog is read once in an interval, sooner after a
// failure, and a pass waits no longer for it than it may.
func TestCatalogInItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		o := &Observer{Now: time.Now, CatalogWait: 10 * time.Second, Catalog: func(*fleet.Backstage) Catalog { return f }}
		config := &fleet.Config{Settings: fleet.Settings{Backstage: &fleet.Backstage{URL: "https://b", Interval: time.Hour}}}
		pass := func() *plan.Catalog {
			t.Helper()
			started := time.Now()
			w := &plan.World{Config: config}
			o.catalog(t.Context(), w)
			if took := time.Since(started); took > o.CatalogWait {
				t.Errorf("the pass waited %v", took)
			}
			return w.Catalog
		}
		for range 3 {
			if c := pass(); c.Err != "" || c.Seen == nil || f.reads != 1 {
				t.Fatalf("%+v after %d reads", c, f.reads)
			}
		}
		read := o.looked.Read
		time.Sleep(time.Hour)
		f.err, f.takes = errors.New("down"), 90*time.Second
		if c := pass(); c.Err != "" || !c.Read.Equal(read) {
			t.Errorf("one that is late is not one that fails: %+v", c)
		}
		time.Sleep(2 * time.Minute)
		if c := pass(); c.Err != "down" || !c.Read.Equal(read) || f.reads != 2 {
			t.Errorf("%+v after %d reads", c, f.reads)
		}
		f.err, f.takes = nil, 0
		time.Sleep(time.Minute)
		if c := pass(); c.Err != "" || f.reads != 3 {
			t.Errorf("%+v after %d reads", c, f.reads)
		}
		f.takes, o.looked = time.Minute, nil
		if c := pass(); c.Err != "it has not answered yet" || c.Seen != nil {
			t.Errorf("%+v", c)
		}
		time.Sleep(time.Minute)
		if c := pass(); c.Err != "" || c.Seen == nil {
			t.Errorf("%+v", c)
		}
	})
}
