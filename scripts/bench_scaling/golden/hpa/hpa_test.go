// Writes the decisions of Kubernetes' own HorizontalPodAutoscaler on series of samples: `go test` in this folder, on the
// clock of testing/synctest. Each step has all that the controller saw, so that the port can be asked the same.
package hpa

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
	"k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
	"k8s.io/kubernetes/pkg/controller/podautoscaler/monitor"
	"k8s.io/kubernetes/pkg/controller/util/selectors"
)

const (
	sync15  = 15
	never   = -9999
	golden  = "../../../../operator/tests/operator_tests/goldens/hpa.json"
	version = "k8s.io/kubernetes v1.34.4"
)

// pod is [started, ready since or never, 1 while pending, its use or -1 where nobody measured it].
type pod [4]int

type step struct {
	At      int   `json:"at"`
	Current int32 `json:"current"`
	Until   int   `json:"until"`
	Pods    []pod `json:"pods"`
	Usage   int64 `json:"usage"`
	Set     int32 `json:"set"`
}

type scenario struct {
	Name    string `json:"name"`
	Target  int32  `json:"target"`
	Floor   int32  `json:"floor"`
	Ceiling int32  `json:"ceiling"`
	// Seconds of stabilisation by `behavior`; -1: without behavior.
	Window   int32  `json:"window"`
	External bool   `json:"external"`
	Steps    []step `json:"steps"`

	initial, start, pending, count int
	missing                        bool
	load                           func(at int) float64 // cores
}

func scenarios() []scenario {
	wave := func(at int) float64 { return 4 + 3*math.Sin(float64(at)/200) }
	jump := func(at int) float64 {
		if at > 300 && at < 700 {
			return 6
		}
		return 0.65
	}
	fall := func(at int) float64 { return math.Max(0.2, 6-float64(at)/100) }
	return []scenario{
		{Name: "a wave", Target: 70, Floor: 1, Ceiling: 20, Window: -1, initial: 6, start: 8, count: 110, load: wave},
		{Name: "a wave, slow pods", Target: 50, Floor: 2, Ceiling: 20, Window: -1, initial: 6, start: 40, pending: 20, count: 110, load: wave},
		{Name: "a jump and back", Target: 70, Floor: 1, Ceiling: 20, Window: -1, initial: 2, start: 50, pending: 20, count: 90, load: jump},
		{Name: "a jump from one pod", Target: 15, Floor: 1, Ceiling: 20, Window: -1, initial: 1, start: 8, count: 60, load: jump},
		{Name: "a jump, short window", Target: 80, Floor: 1, Ceiling: 20, Window: 60, initial: 2, start: 8, count: 90, load: jump},
		{Name: "a jump, no window", Target: 80, Floor: 1, Ceiling: 5, Window: 0, initial: 2, start: 8, count: 90, load: jump},
		{Name: "a fall", Target: 60, Floor: 1, Ceiling: 20, Window: -1, initial: 10, start: 8, count: 90, load: fall},
		{Name: "measurements that are missing", Target: 70, Floor: 1, Ceiling: 20, Window: 120, initial: 5, start: 20, count: 90, missing: true, load: wave},
		{Name: "requests in flight", Target: 700, Floor: 1, Ceiling: 20, Window: -1, External: true, initial: 3, start: 8, count: 110, load: wave},
		{Name: "requests in flight, a jump, short window", Target: 900, Floor: 1, Ceiling: 20, Window: 60, External: true, initial: 3, start: 8, count: 90, load: jump},
	}
}

// world answers what the controller asks for.
type world struct {
	metrics.MetricsClient
	s     *scenario
	begun time.Time
	seen  *step
}

func (w *world) GetResourceMetric(context.Context, v1.ResourceName, string, labels.Selector, string) (metrics.PodMetricsInfo, time.Time, error) {
	found := metrics.PodMetricsInfo{}
	at := w.begun.Add(time.Duration(w.seen.Until) * time.Second)
	for number, pod := range w.seen.Pods {
		if pod[3] >= 0 {
			found[strconv.Itoa(number)] = metrics.PodMetric{Timestamp: at, Window: sync15 * time.Second, Value: int64(pod[3])}
		}
	}
	return found, at, nil
}

func (w *world) GetExternalMetric(string, string, labels.Selector) ([]int64, time.Time, error) {
	return []int64{w.seen.Usage}, w.begun.Add(time.Duration(w.seen.Until) * time.Second), nil
}

func (w *world) lister() corelisters.PodLister {
	indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for number, pod := range w.seen.Pods {
		since, status, phase := pod[1], v1.ConditionTrue, v1.PodRunning
		if pod[1] == never {
			since, status = pod[0], v1.ConditionFalse
		}
		if pod[2] == 1 {
			phase = v1.PodPending
		}
		started := metav1.NewTime(w.begun.Add(time.Duration(pod[0]) * time.Second))
		if err := indexer.Add(&v1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: strconv.Itoa(number), Namespace: "tenant", Labels: map[string]string{"app": "app"}},
			Spec: v1.PodSpec{Containers: []v1.Container{{Name: "app", Resources: v1.ResourceRequirements{
				Requests: v1.ResourceList{v1.ResourceCPU: resource.MustParse("1")}}}}},
			Status: v1.PodStatus{Phase: phase, StartTime: &started, Conditions: []v1.PodCondition{{
				Type: v1.PodReady, Status: status, LastTransitionTime: metav1.NewTime(w.begun.Add(time.Duration(since) * time.Second))}}},
		}); err != nil {
			panic(err)
		}
	}
	return corelisters.NewPodLister(indexer)
}

func controller(w *world, target *scales) *podautoscaler.HorizontalController {
	made := &podautoscaler.HorizontalController{}
	set(made, "tolerance", 0.1)
	set(made, "downscaleStabilisationWindow", 5*time.Minute)
	set(made, "monitor", monitor.New())
	set(made, "eventRecorder", &record.FakeRecorder{})
	set(made, "mapper", deployments{})
	set(made, "scaleNamespacer", target)
	set(made, "hpaNamespacer", statuses{})
	set(made, "hpaSelectors", selectors.NewBiMultimap())
	for _, name := range []string{"recommendations", "scaleUpEvents", "scaleDownEvents"} {
		empty(made, name)
	}
	return made
}

func spec(s *scenario) *autoscalingv2.HorizontalPodAutoscaler {
	made := &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: "tenant"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "app"},
			MinReplicas:    &s.Floor, MaxReplicas: s.Ceiling,
		},
	}
	metric := autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
		Name: v1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &s.Target}}}
	if s.External {
		metric = autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: "in_flight"},
			Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: resource.NewMilliQuantity(int64(s.Target), resource.DecimalSI)}}}
	}
	made.Spec.Metrics = []autoscalingv2.MetricSpec{metric}
	if s.Window >= 0 {
		most, zero := autoscalingv2.MaxChangePolicySelect, int32(0)
		percent := autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15}
		pods := autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PodsScalingPolicy, Value: 4, PeriodSeconds: 15}
		made.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{
			ScaleUp:   &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: &zero, SelectPolicy: &most, Policies: []autoscalingv2.HPAScalingPolicy{percent, pods}},
			ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: &s.Window, SelectPolicy: &most, Policies: []autoscalingv2.HPAScalingPolicy{percent}},
		}
	}
	return made
}

// look is what there is to see at a moment; pods that were made later are the first to go.
func look(s *scenario, at int, made []int, replicas int32, chance *uint32) step {
	until := at - 7
	seen := step{At: at, Current: replicas, Until: until}
	ready := 0
	for _, started := range made {
		if started+s.start <= until {
			ready++
		}
	}
	load := s.load(until)
	seen.Usage = int64(1000 * load)
	for _, started := range made {
		one := pod{started, never, 0, -1}
		if started+s.start <= at {
			one[1] = started + s.start
		}
		if at < started+s.pending {
			one[2] = 1
		}
		*chance = *chance*1664525 + 1013904223
		if started <= until-sync15 && !(s.missing && *chance>>29 == 0) {
			one[3] = 0
			if started+s.start <= until {
				one[3] = int(1000*math.Min(1, load/float64(max(1, ready)))) + int(*chance>>28)
			}
		}
		seen.Pods = append(seen.Pods, one)
	}
	return seen
}

func run(t *testing.T, s *scenario) {
	w := &world{s: s, begun: time.Now()}
	target := &scales{replicas: int32(s.initial)}
	made := controller(w, target)
	autoscaler, chance := spec(s), uint32(len(s.Name))
	var pods []int
	for range s.initial {
		pods = append(pods, -3600)
	}
	for number := range s.count {
		time.Sleep(sync15 * time.Second)
		at := (number + 1) * sync15
		seen := look(s, at, pods, target.replicas, &chance)
		w.seen = &seen
		set(made, "podLister", w.lister())
		set(made, "replicaCalc", podautoscaler.NewReplicaCalculator(w, w.lister(), 5*time.Minute, 30*time.Second))
		// An error says that there was nothing to measure; then nothing is set.
		if err := reconcileAutoscaler(made, context.Background(), autoscaler, "tenant/app"); err != nil {
			t.Log(s.Name, at, err)
		}
		seen.Set = target.replicas
		for len(pods) < int(target.replicas) {
			pods = append(pods, at)
		}
		pods = pods[:target.replicas]
		s.Steps = append(s.Steps, seen)
	}
}

func TestWritesTheDecisions(t *testing.T) {
	all := scenarios()
	for number := range all {
		synctest.Test(t, func(t *testing.T) { run(t, &all[number]) })
	}
	text, err := json.Marshal(map[string]any{"source": version, "scenarios": all})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(golden, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
