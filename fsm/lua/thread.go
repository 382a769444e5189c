package lua

import (
	"reflect"

	lua "github.com/yuin/gopher-lua"
)

// Gopher-lua does not say how much a thread or a table takes. What is needed of
// that is read by reflection, and never written. These are the fields.
var (
	threadStack     = fieldIndex(reflect.TypeFor[lua.LState](), "stack")
	threadRegistry  = fieldIndex(reflect.TypeFor[lua.LState](), "reg")
	registryArray   = fieldIndex(reflect.TypeFor[lua.LState]().Field(threadRegistry).Type.Elem(), "array")
	stackSegments   = fieldIndex(stackType(), "segIdx")
	stackInSegment  = fieldIndex(stackType(), "segSp")
	tableArray      = fieldIndex(reflect.TypeFor[lua.LTable](), "array")
	tableKeys       = fieldIndex(reflect.TypeFor[lua.LTable](), "keys")
	tableStrings    = fieldIndex(reflect.TypeFor[lua.LTable](), "strdict")
	tableOthers     = fieldIndex(reflect.TypeFor[lua.LTable](), "dict")
	tablePositions  = fieldIndex(reflect.TypeFor[lua.LTable](), "k2i")
	framesInSegment = lua.FramesPerSegment
)

// fieldIndex finds a field. Without it this version of gopher-lua cannot be used.
func fieldIndex(t reflect.Type, name string) int {
	f, ok := t.FieldByName(name)
	if !ok {
		panic("gopher-lua: " + t.String() + " has no field " + name)
	}
	return f.Index[0]
}

// stackType returns the type of a stack of calls.
func stackType() reflect.Type {
	return reflect.ValueOf(lua.NewState(stackSizes)).Elem().Field(threadStack).Elem().Type().Elem()
}

// frames returns how many calls of a thread have not ended.
func frames(L *lua.LState) int {
	s := reflect.ValueOf(L).Elem().Field(threadStack).Elem().Elem()
	return int(s.Field(stackSegments).Uint())*framesInSegment + int(s.Field(stackInSegment).Uint())
}

// registers returns how many values a thread's stack has room for.
func registers(L *lua.LState) int {
	return reflect.ValueOf(L).Elem().Field(threadRegistry).Elem().Field(registryArray).Cap()
}

// walked returns how many places Next has passed from one key of t to another,
// each nil for the end.
func walked(t *lua.LTable, from, to lua.LValue) int {
	a, ok := from.(lua.LNumber)
	b, ok2 := to.(lua.LNumber)
	if (ok || from == lua.LNil) && ok2 && b > a && b < lua.LNumber(lua.MaxArrayIndex) && a >= 0 {
		return int(b - a)
	}
	v := reflect.ValueOf(t).Elem()
	array, keys := v.Field(tableArray).Len(), v.Field(tableKeys).Len()
	inArray := (ok || from == lua.LNil) && a >= 0 && a < lua.LNumber(array) && a == lua.LNumber(int(a))
	if !inArray && keys <= v.Field(tableStrings).Len()+v.Field(tableOthers).Len() {
		return 1 // no place is empty
	}
	first, last := array, array+keys
	if inArray {
		first = int(a)
	} else if from != lua.LNil {
		first += place(v, from)
	}
	if to != lua.LNil {
		last = array + place(v, to)
	}
	return max(last-first, 1)
}

// place returns the place of a key outside of a table's array.
func place(table reflect.Value, key lua.LValue) int {
	if at := table.Field(tablePositions).MapIndex(reflect.ValueOf(&key).Elem()); at.IsValid() {
		return int(at.Int()) + 1
	}
	return 0
}
